// x-labs' names: its LoRAs hang on the attention's processors (XLabs-AI/x-flux:
// src/flux/modules/layers.py). In a double block 1 is the picture's stream and 2 the text's; in a
// single block qkv_lora covers q, k and v of the fused first projection but not its MLP.

#include <algorithm>
#include <array>

#include "worker/flux/lora_spelling.h"

namespace pirouette::flux {
namespace {

struct Rename {
  std::string_view xlabs, canonical;
  RowPart part = RowPart::whole;
};

constexpr std::array kDouble = std::to_array<Rename>({
    {"processor.qkv_lora1", "img_attn.qkv"},
    {"processor.proj_lora1", "img_attn.proj"},
    {"processor.qkv_lora2", "txt_attn.qkv"},
    {"processor.proj_lora2", "txt_attn.proj"},
});

constexpr std::array kSingle = std::to_array<Rename>({
    {"processor.qkv_lora", "linear1", RowPart::qkv},
    {"processor.proj_lora", "linear2"},
});

template <std::size_t N>
std::optional<LoraTarget> find_name(const std::array<Rename, N>& names, std::string_view blocks,
                                    std::string_view module, Joint joint) {
  std::string_view rest = module.substr(blocks.size());
  const auto index = consume_block_index(rest, joint);
  if (!index) return std::nullopt;
  const auto found = std::ranges::find_if(
      names, [&](const Rename& name) { return is_same_name(rest, name.xlabs, joint); });
  if (found == names.end()) return std::nullopt;
  return LoraTarget{
      LoraModel::transformer,
      std::string(blocks) + std::to_string(*index) + '.' + std::string(found->canonical),
      found->part};
}

}  // namespace

std::optional<LoraTarget> find_xlabs_module(std::string_view module, Joint joint) {
  constexpr std::string_view kDoubleBlocks = "double_blocks.", kSingleBlocks = "single_blocks.";
  if (module.starts_with(kDoubleBlocks)) return find_name(kDouble, kDoubleBlocks, module, joint);
  if (module.starts_with(kSingleBlocks)) return find_name(kSingle, kSingleBlocks, module, joint);
  return std::nullopt;
}

}  // namespace pirouette::flux
