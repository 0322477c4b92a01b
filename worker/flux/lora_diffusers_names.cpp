// Diffusers' names. With dots they are what a diffusers checkpoint says (diffusers_layout.h knows
// their places); with underscores the joints are ambiguous ("to_q" has one of its own), so the
// names that exist are listed.

#include <algorithm>
#include <array>

#include "worker/flux/diffusers_layout.h"
#include "worker/flux/lora_spelling.h"

namespace pirouette::flux {
namespace {

constexpr std::array<std::string_view, 2> kBlocks = {"single_transformer_blocks",
                                                     "transformer_blocks"};

// Inside both kinds of blocks; place_module() knows which of them has which.
constexpr std::array kInside = std::to_array<std::string_view>({
    "norm.linear",       "norm1.linear",    "norm1_context.linear",
    "attn.to_q",         "attn.to_k",       "attn.to_v",
    "attn.add_q_proj",   "attn.add_k_proj", "attn.add_v_proj",
    "attn.norm_q",       "attn.norm_k",     "attn.norm_added_q",
    "attn.norm_added_k", "attn.to_out.0",   "attn.to_add_out",
    "ff.net.0.proj",     "ff.net.2",        "ff_context.net.0.proj",
    "ff_context.net.2",  "proj_mlp",        "proj_out",
});

constexpr std::array kOutside = std::to_array<std::string_view>({
    "x_embedder",
    "context_embedder",
    "time_text_embed.timestep_embedder.linear_1",
    "time_text_embed.timestep_embedder.linear_2",
    "time_text_embed.text_embedder.linear_1",
    "time_text_embed.text_embedder.linear_2",
    "time_text_embed.guidance_embedder.linear_1",
    "time_text_embed.guidance_embedder.linear_2",
    "norm_out.linear",
    "proj_out",
});

// "single_transformer_blocks_3_attn_to_q" -> "single_transformer_blocks.3.attn.to_q".
std::optional<std::string> with_dots(std::string_view module) {
  const auto name_in = [](const auto& names, std::string_view spelled) {
    const auto found = std::ranges::find_if(names, [&](std::string_view name) {
      return is_same_name(spelled, name, Joint::underscores);
    });
    return found == names.end() ? std::string_view{} : *found;
  };
  for (const std::string_view blocks : kBlocks) {
    if (!module.starts_with(blocks)) continue;
    std::string_view rest = module.substr(blocks.size());
    if (!rest.starts_with('_')) return std::nullopt;
    rest.remove_prefix(1);
    const auto index = consume_block_index(rest, Joint::underscores);
    const std::string_view name = index ? name_in(kInside, rest) : std::string_view{};
    if (name.empty()) return std::nullopt;
    return std::string(blocks) + '.' + std::to_string(*index) + '.' + std::string(name);
  }
  const std::string_view name = name_in(kOutside, module);
  return name.empty() ? std::nullopt : std::optional<std::string>(name);
}

RowPart part_of(const Place& place) {
  constexpr std::array kParts = {RowPart::q, RowPart::k, RowPart::v, RowPart::mlp};
  return place.parts == 1 ? RowPart::whole : kParts.at(static_cast<std::size_t>(place.part));
}

}  // namespace

std::optional<LoraTarget> find_diffusers_module(std::string_view module, Joint joint) {
  const auto dotted = joint == Joint::dots ? std::optional<std::string>(module) : with_dots(module);
  const auto place = dotted ? place_module(*dotted) : std::nullopt;
  if (!place) return std::nullopt;
  return LoraTarget{LoraModel::transformer, place->module, part_of(*place), place->swaps_halves,
                    place->is_norm};
}

}  // namespace pirouette::flux
