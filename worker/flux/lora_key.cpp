#include "worker/flux/lora_key.h"

#include <array>
#include <charconv>

namespace pirouette::flux {
namespace {

struct Ending {
  std::string_view text;
  LoraRole role;
};

// Whole endings. ".down.weight" is x-labs'.
constexpr std::array kEndings = std::to_array<Ending>({
    {".alpha", LoraRole::alpha},
    {".lora.down.weight", LoraRole::down},
    {".lora.up.weight", LoraRole::up},
    {".lora_linear_layer.down.weight", LoraRole::down},
    {".lora_linear_layer.up.weight", LoraRole::up},
    {".down.weight", LoraRole::down},
    {".up.weight", LoraRole::up},
    {".lokr_w1", LoraRole::lokr_w1},
    {".lokr_w1_a", LoraRole::lokr_w1_a},
    {".lokr_w1_b", LoraRole::lokr_w1_b},
    {".lokr_w2", LoraRole::lokr_w2},
    {".lokr_w2_a", LoraRole::lokr_w2_a},
    {".lokr_w2_b", LoraRole::lokr_w2_b},
    {".hada_w1_a", LoraRole::hada_w1_a},
    {".hada_w1_b", LoraRole::hada_w1_b},
    {".hada_w2_a", LoraRole::hada_w2_a},
    {".hada_w2_b", LoraRole::hada_w2_b},
    {".diff", LoraRole::diff},
    {".diff_b", LoraRole::diff_bias},
});

// Endings with ".weight", or an adapter's name and ".weight", after them.
constexpr std::array kMarks = std::to_array<Ending>({
    {".lora_A", LoraRole::down},
    {".lora_down", LoraRole::down},
    {".lora_B", LoraRole::up},
    {".lora_up", LoraRole::up},
});

struct Unsupported {
  std::string_view mark, kind;
};

// The first whose mark stands in the key counts.
constexpr std::array kUnsupported = std::to_array<Unsupported>({
    {"dora_scale", "DoRA"},
    {"lora_magnitude_vector", "DoRA"},
    {"oft_", "OFT"},
    {"boft", "OFT"},
    {"lokr_t2", "LoKr in Tucker form, which is for convolutions"},
    {"hada_t", "LoHa in Tucker form, which is for convolutions"},
    {"lora_mid", "a LoRA for convolutions"},
    {".a1.weight", "GLoRA"},
    {".b1.weight", "GLoRA"},
    {".w_norm", "a change of a norm layer (LyCORIS w_norm)"},
    {".b_norm", "a change of a norm layer (LyCORIS b_norm)"},
    {".set_weight", "a replaced weight"},
    {".reshape_weight", "a reshaped weight"},
    {"query_norm.scale", "a FLUX.1 control LoRA, which replaces norms and widens the input"},
    {"key_norm.scale", "a FLUX.1 control LoRA, which replaces norms and widens the input"},
    {"bundle_emb", "a textual inversion bundled with the LoRA"},
    {"input_blocks", "for Stable Diffusion"},
    {"output_blocks", "for Stable Diffusion"},
    {"middle_block", "for Stable Diffusion"},
    {"down_blocks", "for Stable Diffusion"},
    {"up_blocks", "for Stable Diffusion"},
    {"mid_block", "for Stable Diffusion"},
    {"joint_blocks", "for Stable Diffusion 3"},
    {"text_encoder_2.", "for the T5 text encoder"},
    {"text_encoders.t5xxl", "for the T5 text encoder"},
    {"t5xxl", "for the T5 text encoder"},
    {"lora_te3_", "for the T5 text encoder"},
    {"lora_te2_", "for the T5 text encoder"},
    {"lora_te", "for a part of the CLIP text encoder that FLUX.1 does not use"},
    {"text_encoder", "for a part of the CLIP text encoder that FLUX.1 does not use"},
    {"clip_l.", "for a part of the CLIP text encoder that FLUX.1 does not use"},
});

// What stands between a mark and ".weight": nothing, an adapter's name, or a split's number.
std::optional<LoraKey> parse_marked(std::string_view key, const Ending& mark) {
  const auto at = key.rfind(mark.text);
  if (at == key.npos) return std::nullopt;
  std::string_view rest = key.substr(at + mark.text.size());
  constexpr std::string_view kWeight = ".weight";
  if (!rest.ends_with(kWeight)) return std::nullopt;
  rest.remove_suffix(kWeight.size());
  LoraKey parsed{std::string(key.substr(0, at)), mark.role};
  if (rest.empty()) return parsed;
  if (rest.front() != '.' || rest.find('.', 1) != rest.npos) return std::nullopt;
  rest.remove_prefix(1);
  int number = 0;
  const auto [end, failed] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (failed == std::errc() && end == rest.data() + rest.size()) parsed.split = number;
  return parsed;
}

}  // namespace

std::optional<LoraKey> parse_lora_key(std::string_view key) {
  for (const Ending& mark : kMarks)
    if (auto parsed = parse_marked(key, mark)) return parsed;
  for (const Ending& ending : kEndings)
    if (key.ends_with(ending.text) && key.size() > ending.text.size())
      return LoraKey{std::string(key.substr(0, key.size() - ending.text.size())), ending.role};
  return std::nullopt;
}

std::string_view kind_of_unsupported_key(std::string_view key) {
  for (const Unsupported& row : kUnsupported)
    if (key.find(row.mark) != key.npos) return row.kind;
  return {};
}

}  // namespace pirouette::flux
