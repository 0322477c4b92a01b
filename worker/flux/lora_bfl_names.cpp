// Black Forest Labs' names, which are the canonical ones (black-forest-labs/flux:
// src/flux/modules/layers.py). The list tells what exists; nothing is renamed.

#include <algorithm>
#include <array>

#include "worker/flux/lora_spelling.h"

namespace pirouette::flux {
namespace {

struct Name {
  std::string_view module;
  bool is_norm = false;
};

constexpr std::array kOutside = std::to_array<Name>({
    {"img_in"},
    {"txt_in"},
    {"time_in.in_layer"},
    {"time_in.out_layer"},
    {"vector_in.in_layer"},
    {"vector_in.out_layer"},
    {"guidance_in.in_layer"},
    {"guidance_in.out_layer"},
    {"final_layer.adaLN_modulation.1"},
    {"final_layer.linear"},
});

constexpr std::array kDouble = std::to_array<Name>({
    {"img_mod.lin"},
    {"txt_mod.lin"},
    {"img_attn.qkv"},
    {"txt_attn.qkv"},
    {"img_attn.proj"},
    {"txt_attn.proj"},
    {"img_attn.norm.query_norm", true},
    {"img_attn.norm.key_norm", true},
    {"txt_attn.norm.query_norm", true},
    {"txt_attn.norm.key_norm", true},
    {"img_mlp.0"},
    {"img_mlp.2"},
    {"txt_mlp.0"},
    {"txt_mlp.2"},
});

constexpr std::array kSingle = std::to_array<Name>({
    {"linear1"},
    {"linear2"},
    {"modulation.lin"},
    {"norm.query_norm", true},
    {"norm.key_norm", true},
});

template <std::size_t N>
std::optional<LoraTarget> find_name(const std::array<Name, N>& names, std::string_view spelled,
                                    Joint joint, const std::string& block) {
  const auto found = std::ranges::find_if(
      names, [&](const Name& name) { return is_same_name(spelled, name.module, joint); });
  if (found == names.end()) return std::nullopt;
  return LoraTarget{LoraModel::transformer, block + std::string(found->module), RowPart::whole,
                    /*swaps_halves=*/false, found->is_norm};
}

}  // namespace

std::optional<LoraTarget> find_bfl_module(std::string_view module, Joint joint) {
  for (const bool is_double : {true, false}) {
    const std::string_view blocks = is_double ? "double_blocks" : "single_blocks";
    if (!module.starts_with(blocks)) continue;
    std::string_view rest = module.substr(blocks.size());
    if (rest.empty() || rest.front() != (joint == Joint::dots ? '.' : '_')) return std::nullopt;
    rest.remove_prefix(1);
    const auto index = consume_block_index(rest, joint);
    if (!index) return std::nullopt;
    const std::string block = std::string(blocks) + '.' + std::to_string(*index) + '.';
    return is_double ? find_name(kDouble, rest, joint, block)
                     : find_name(kSingle, rest, joint, block);
  }
  return find_name(kOutside, module, joint, "");
}

}  // namespace pirouette::flux
