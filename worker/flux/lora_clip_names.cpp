// The names of CLIP's text encoder, as transformers says them; trainers change its linears only.

#include <algorithm>
#include <array>

#include "worker/flux/lora_spelling.h"

namespace pirouette::flux {
namespace {

constexpr std::string_view kLayers = "text_model.encoder.layers";

constexpr std::array kInside = std::to_array<std::string_view>({
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.out_proj",
    "mlp.fc1",
    "mlp.fc2",
});

}  // namespace

std::optional<LoraTarget> find_clip_module(std::string_view module, Joint joint) {
  if (module.size() <= kLayers.size() + 1 ||
      !is_same_name(module.substr(0, kLayers.size()), kLayers, joint)) {
    return std::nullopt;
  }
  std::string_view rest = module.substr(kLayers.size() + 1);
  const auto index = consume_block_index(rest, joint);
  if (!index) return std::nullopt;
  const auto found = std::ranges::find_if(
      kInside, [&](std::string_view name) { return is_same_name(rest, name, joint); });
  if (found == kInside.end()) return std::nullopt;
  return LoraTarget{LoraModel::clip, std::string(kLayers) + '.' + std::to_string(*index) + '.' +
                                         std::string(*found)};
}

}  // namespace pirouette::flux
