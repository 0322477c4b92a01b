#pragma once
// T5 v1.1's encoder, which gives FLUX.1 a vector for each token of the prompt (transformers:
// models/t5/modeling_t5.py, T5EncoderModel). No mask: FLUX.1 was trained with the padding attended.
// No state: safe from several threads.
//
// Letters: L tokens, C width, H heads, D head width, F inner width.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/result.h"
#include "worker/flux/checkpoint.h"
#include "worker/flux/ops.h"

namespace pirouette::flux {

struct T5Block {
  Tensor attention_norm, feed_norm;  // [C]
  Linear q, k, v, o;                 // [H*D, C] x 3, [C, H*D]; without bias
  Linear gate, up, down;             // [F, C] x 2, [C, F]; without bias
};

class T5Encoder {
 public:
  // Names as in transformers' text_encoder_2/ folder. invalid or not_found names the tensor.
  static Result<T5Encoder> load(Weights weights);

  // ids: of one text, padded as it shall be -> [1, L, C] float32. invalid: an id is beyond the
  // vocabulary (another model's tokenizer).
  Result<Tensor> encode(std::span<const std::int64_t> ids) const;
  // Of B texts of one length at once -> [B, L, C].
  Result<Tensor> encode_all(std::span<const std::vector<std::int64_t>> texts) const;

  // On another device than where the weights lie: each crosses when its turn comes, and none stays
  // there, so that a card without room for 9.5 GB encodes all the same.
  void compute_on(at::Device device) { computes_on_ = device; }

  int64_t width() const { return embedding_.size(1); }

 private:
  T5Encoder() = default;
  Tensor position_bias(int64_t length) const;
  Tensor run_block(const T5Block& block, const Tensor& x, const Tensor& bias) const;

  Tensor embedding_;      // [vocabulary, C]
  Tensor relative_bias_;  // [buckets, H], shared by all blocks
  std::vector<T5Block> blocks_;
  Tensor final_norm_;  // [C]
  std::optional<at::Device> computes_on_;
};

}  // namespace pirouette::flux
