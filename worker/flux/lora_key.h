#pragma once
// What a tensor of a LoRA file is to its module, read off the end of its key. Pure: no torch, and
// nothing of where the module lies (lora_spelling.h knows that).

#include <optional>
#include <string>
#include <string_view>

namespace pirouette::flux {

enum class LoraRole {
  down,  // [rank, in], also called lora_A
  up,    // [out, rank], also called lora_B
  alpha,
  lokr_w1,
  lokr_w1_a,
  lokr_w1_b,
  lokr_w2,
  lokr_w2_a,
  lokr_w2_b,
  hada_w1_a,
  hada_w1_b,
  hada_w2_a,
  hada_w2_b,
  diff,       // a dense change of the weight
  diff_bias,  // of the bias
};

struct LoraKey {
  std::string module;  // with its prefix, as written
  LoraRole role;
  int split = -1;  // kohya's split_qkv before it is fused: 0 to 3 for q, k, v, mlp
};

// None if the end says nothing that is known.
std::optional<LoraKey> parse_lora_key(std::string_view key);

// What an unknown key is, in words that follow "is": "DoRA". Empty if nobody knows.
std::string_view kind_of_unsupported_key(std::string_view key);

}  // namespace pirouette::flux
