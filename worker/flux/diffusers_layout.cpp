#include "worker/flux/diffusers_layout.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

namespace pirouette::flux {
namespace {

struct Rename {
  std::string_view diffusers, canonical;
  int part = 0;
  int parts = 1;
  bool swaps_halves = false;
  bool is_norm = false;
};

constexpr Rename norm(std::string_view diffusers, std::string_view canonical) {
  return {diffusers, canonical, 0, 1, false, true};
}

constexpr std::array kOutside = std::to_array<Rename>({
    {"x_embedder", "img_in"},
    {"context_embedder", "txt_in"},
    {"time_text_embed.timestep_embedder.linear_1", "time_in.in_layer"},
    {"time_text_embed.timestep_embedder.linear_2", "time_in.out_layer"},
    {"time_text_embed.text_embedder.linear_1", "vector_in.in_layer"},
    {"time_text_embed.text_embedder.linear_2", "vector_in.out_layer"},
    {"time_text_embed.guidance_embedder.linear_1", "guidance_in.in_layer"},
    {"time_text_embed.guidance_embedder.linear_2", "guidance_in.out_layer"},
    {"norm_out.linear", "final_layer.adaLN_modulation.1", 0, 1, true},
    {"proj_out", "final_layer.linear"},
});

// Inside transformer_blocks.i and double_blocks.i.
constexpr std::array kDouble = std::to_array<Rename>({
    {"norm1.linear", "img_mod.lin"},
    {"norm1_context.linear", "txt_mod.lin"},
    {"attn.to_q", "img_attn.qkv", 0, 3},
    {"attn.to_k", "img_attn.qkv", 1, 3},
    {"attn.to_v", "img_attn.qkv", 2, 3},
    {"attn.add_q_proj", "txt_attn.qkv", 0, 3},
    {"attn.add_k_proj", "txt_attn.qkv", 1, 3},
    {"attn.add_v_proj", "txt_attn.qkv", 2, 3},
    norm("attn.norm_q", "img_attn.norm.query_norm"),
    norm("attn.norm_k", "img_attn.norm.key_norm"),
    norm("attn.norm_added_q", "txt_attn.norm.query_norm"),
    norm("attn.norm_added_k", "txt_attn.norm.key_norm"),
    {"attn.to_out.0", "img_attn.proj"},
    {"attn.to_add_out", "txt_attn.proj"},
    {"ff.net.0.proj", "img_mlp.0"},
    {"ff.net.2", "img_mlp.2"},
    {"ff_context.net.0.proj", "txt_mlp.0"},
    {"ff_context.net.2", "txt_mlp.2"},
});

// Inside single_transformer_blocks.i and single_blocks.i.
constexpr std::array kSingle = std::to_array<Rename>({
    {"norm.linear", "modulation.lin"},
    {"attn.to_q", "linear1", 0, 4},
    {"attn.to_k", "linear1", 1, 4},
    {"attn.to_v", "linear1", 2, 4},
    {"proj_mlp", "linear1", 3, 4},
    {"proj_out", "linear2"},
    norm("attn.norm_q", "norm.query_norm"),
    norm("attn.norm_k", "norm.key_norm"),
});

template <std::size_t N>
std::optional<Place> find_place(const std::array<Rename, N>& table, std::string_view name,
                                const std::string& prefix) {
  const auto found = std::ranges::find(table, name, &Rename::diffusers);
  if (found == table.end()) return std::nullopt;
  return Place{prefix + std::string(found->canonical), found->part, found->parts,
               found->swaps_halves, found->is_norm};
}

template <std::size_t N>
std::vector<std::string> find_linears(const std::array<Rename, N>& table,
                                      std::string_view canonical, const std::string& prefix) {
  std::vector<std::string> names;
  for (const Rename& row : table)
    if (row.canonical == canonical && !row.is_norm)
      names.push_back(prefix + std::string(row.diffusers));
  return names;
}

bool consume(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// "12.rest" -> 12, leaving "rest".
std::optional<int> consume_index(std::string_view& text) {
  int index = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), index);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (failed != std::errc() || index < 0 || digits >= text.size() || text[digits] != '.')
    return std::nullopt;
  text.remove_prefix(digits + 1);
  return index;
}

// "a.b.weight" -> "a.b", "weight"
std::pair<std::string_view, std::string_view> split_leaf(std::string_view name) {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return {{}, name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

// scale, shift -> shift, scale (rows). What has no rows is left for the loader to refuse.
Tensor swap_halves(const Tensor& rows) {
  if (rows.dim() == 0) return rows;
  const int64_t half = rows.size(0) - rows.size(0) / 2;
  return at::cat({rows.slice(0, half), rows.slice(0, 0, half)}, 0);
}

Error doubled(const Weights& weights, const std::string& name, const std::string& target) {
  return {Errc::invalid, weights.source() + ": tensor \"" + name + "\" is \"" + target +
                             "\", which is there under another name too"};
}

// The rest of a name inside encoder.mid or decoder.mid, or of one resnet, keeps its leaf.
struct Substitution {
  std::string_view diffusers, canonical;
};
constexpr std::array kAutoencoder = std::to_array<Substitution>({
    {"mid_block.resnets.0.", "mid.block_1."},
    {"mid_block.resnets.1.", "mid.block_2."},
    {"mid_block.attentions.0.group_norm.", "mid.attn_1.norm."},
    {"mid_block.attentions.0.to_q.", "mid.attn_1.q."},
    {"mid_block.attentions.0.to_k.", "mid.attn_1.k."},
    {"mid_block.attentions.0.to_v.", "mid.attn_1.v."},
    {"mid_block.attentions.0.to_out.0.", "mid.attn_1.proj_out."},
    {"conv_norm_out.", "norm_out."},
});

// "resnets.1.conv_shortcut.weight" of one level -> "block.1.nin_shortcut.weight".
std::string canonical_level(std::string_view rest) {
  if (consume(rest, "downsamplers.0.")) return "downsample." + std::string(rest);
  if (consume(rest, "upsamplers.0.")) return "upsample." + std::string(rest);
  if (!consume(rest, "resnets.")) return std::string(rest);
  std::string name = "block." + std::string(rest);
  if (const auto at = name.find("conv_shortcut"); at != std::string::npos)
    name.replace(at, std::string_view("conv_shortcut").size(), "nin_shortcut");
  return name;
}

int count_levels(const Tensors& tensors) {
  int levels = 0;
  while (
      tensors.contains("decoder.up_blocks." + std::to_string(levels) + ".resnets.0.conv1.weight"))
    ++levels;
  return levels;
}

}  // namespace

std::optional<Place> place_module(std::string_view module) {
  std::string_view rest = module;
  if (consume(rest, "single_transformer_blocks.")) {
    const auto index = consume_index(rest);
    if (!index) return std::nullopt;
    return find_place(kSingle, rest, "single_blocks." + std::to_string(*index) + '.');
  }
  if (consume(rest, "transformer_blocks.")) {
    const auto index = consume_index(rest);
    if (!index) return std::nullopt;
    return find_place(kDouble, rest, "double_blocks." + std::to_string(*index) + '.');
  }
  return find_place(kOutside, module, "");
}

std::vector<std::string> diffusers_linears(std::string_view canonical) {
  std::string_view rest = canonical;
  const bool is_single = consume(rest, "single_blocks.");
  if (!is_single && !consume(rest, "double_blocks.")) return find_linears(kOutside, rest, "");
  const auto index = consume_index(rest);
  if (!index) return {};
  const std::string at = "transformer_blocks." + std::to_string(*index) + '.';
  return is_single ? find_linears(kSingle, rest, "single_" + at) : find_linears(kDouble, rest, at);
}

std::string canonical_name(std::string_view name) {
  const auto [module, leaf] = split_leaf(name);
  const auto place = place_module(module);
  if (!place) return std::string(name);
  return place->module + '.' + (place->is_norm ? "scale" : std::string(leaf));
}

Result<Weights> canonical_transformer(Weights diffusers) {
  Tensors canonical;
  std::map<std::string, std::vector<Tensor>> fused;  // canonical tensor -> its parts, in order
  for (const auto& [name, tensor] : diffusers.tensors()) {
    const auto [module, leaf] = split_leaf(name);
    const auto place = place_module(module);
    if (!place) {
      if (!canonical.emplace(name, tensor).second) return doubled(diffusers, name, name);
      continue;
    }
    const std::string target = canonical_name(name);
    if (place->parts == 1) {
      const Tensor rows = place->swaps_halves ? swap_halves(tensor) : tensor;
      if (!canonical.emplace(target, rows).second) return doubled(diffusers, name, target);
      continue;
    }
    auto& parts = fused[target];
    parts.resize(static_cast<std::size_t>(place->parts));
    parts[static_cast<std::size_t>(place->part)] = tensor;
  }
  for (const auto& [target, parts] : fused) {
    for (const Tensor& part : parts)
      if (!part.defined() || part.dim() < 1 || part.dim() > 2 || part.dim() != parts[0].dim() ||
          (part.dim() == 2 && part.size(1) != parts[0].size(1)))
        return Error{Errc::invalid, diffusers.source() + ": the parts of " + target +
                                        " (q, k, v, mlp) are not all there or do not fit"};
    if (!canonical.emplace(target, at::cat(parts, 0)).second)
      return doubled(diffusers, target, target);
  }
  return Weights(std::move(canonical), diffusers.source());
}

std::string canonical_autoencoder_name(std::string_view name, int levels) {
  const auto [side, rest_of] =
      std::pair(name.substr(0, name.find('.') + 1), name.substr(name.find('.') + 1));
  std::string_view rest = rest_of;
  const std::string prefix(side);
  for (const Substitution& known : kAutoencoder)
    if (consume(rest, known.diffusers))
      return prefix + std::string(known.canonical) + std::string(rest);
  const bool down = consume(rest, "down_blocks.");
  if (!down && !consume(rest, "up_blocks.")) return std::string(name);
  const auto level = consume_index(rest);
  if (!level) return std::string(name);
  return prefix + (down ? "down." : "up.") + std::to_string(down ? *level : levels - 1 - *level) +
         '.' + canonical_level(rest);
}

Result<Weights> canonical_autoencoder(Weights diffusers) {
  const int levels = count_levels(diffusers.tensors());
  Tensors canonical;
  for (const auto& [name, tensor] : diffusers.tensors()) {
    const std::string target = canonical_autoencoder_name(name, levels);
    const bool is_projection = target.find("mid.attn_1.") != std::string::npos && tensor.dim() == 2;
    const Tensor kernel = is_projection ? tensor.unsqueeze(-1).unsqueeze(-1) : tensor;
    if (!canonical.emplace(target, kernel).second) return doubled(diffusers, name, target);
  }
  return Weights(std::move(canonical), diffusers.source());
}

}  // namespace pirouette::flux
