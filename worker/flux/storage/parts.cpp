#include "worker/flux/storage/parts.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "worker/flux/storage/refusals.h"
#include "worker/flux/storage/scaled_weights.h"

namespace pirouette::flux {
namespace {

constexpr std::size_t kNamesShown = 3;

// A name that each part of that naming has; what stands before it is the part's prefix.
struct Mark {
  PartKind kind;
  Naming naming;
  std::string_view name;
};
constexpr std::array kMarks = std::to_array<Mark>({
    {PartKind::transformer, Naming::black_forest_labs, "double_blocks.0.img_"},
    {PartKind::transformer, Naming::diffusers, "transformer_blocks.0.attn.to_q"},
    {PartKind::clip, Naming::transformers, "embeddings.token_embedding.weight"},
    {PartKind::t5, Naming::transformers, "block.0.layer.0.SelfAttention.q.weight"},
    {PartKind::t5, Naming::llama_cpp, "enc.blk.0.attn_q.weight"},
    {PartKind::autoencoder, Naming::diffusers, "decoder.up_blocks.0."},
    {PartKind::autoencoder, Naming::black_forest_labs, "decoder.conv_in.weight"},
});

std::optional<std::string> find_prefix(const TensorFile& file, const Mark& mark) {
  for (const auto& [name, tensor] : file.tensors) {
    const auto at = name.find(mark.name);
    if (at == std::string::npos || (at > 0 && name[at - 1] != '.')) continue;
    std::string prefix = name.substr(0, at);
    if (mark.kind == PartKind::t5 && prefix.ends_with("decoder.")) continue;
    return prefix;
  }
  return std::nullopt;
}

// "a.b." without "b."; itself where it does not end so.
std::string without_end(std::string text, std::string_view end) {
  if (text.ends_with(end)) text.resize(text.size() - end.size());
  return text;
}

// A text encoder's own inner prefix, which some files leave out.
std::string_view inner_prefix(PartKind kind) {
  switch (kind) {
    case PartKind::clip:
      return "text_model.";
    case PartKind::t5:
      return "encoder.";
    default:
      return "";
  }
}

std::vector<Part> find_parts(const TensorFile& file) {
  std::vector<Part> parts;
  for (const Mark& mark : kMarks) {
    if (!parts.empty() && parts.back().kind == mark.kind) continue;
    auto prefix = find_prefix(file, mark);
    if (!prefix) continue;
    if (mark.naming == Naming::transformers)
      prefix = without_end(std::move(*prefix), inner_prefix(mark.kind));
    parts.push_back({mark.kind, mark.naming, *prefix, {file.path, {}, file.metadata}});
  }
  return parts;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

// The other half of CLIP, and numbers that only it needs.
bool is_unused_clip(std::string_view name) {
  return name.starts_with("vision_model.") || name == "visual_projection.weight";
}

std::string rename_clip(std::string_view name) {
  if (name.starts_with("text_model.") || is_one_of(name, {"text_projection.weight", "logit_scale"}))
    return std::string(name);
  return "text_model." + std::string(name);
}

std::string rename_t5(std::string_view name) {
  if (name.starts_with("block.") || name.starts_with("final_layer_norm.") ||
      name.starts_with("embed_tokens."))
    return "encoder." + std::string(name);
  return std::string(name);
}

// llama.cpp's names of T5 (its convert_hf_to_gguf.py), as ComfyUI-GGUF reads them too.
struct Renaming {
  std::string_view from, to;
};
constexpr std::array kT5Layers = std::to_array<Renaming>({
    {"attn_q", "layer.0.SelfAttention.q"},
    {"attn_k", "layer.0.SelfAttention.k"},
    {"attn_v", "layer.0.SelfAttention.v"},
    {"attn_o", "layer.0.SelfAttention.o"},
    {"attn_norm", "layer.0.layer_norm"},
    {"attn_rel_b", "layer.0.SelfAttention.relative_attention_bias"},
    {"ffn_gate", "layer.1.DenseReluDense.wi_0"},
    {"ffn_up", "layer.1.DenseReluDense.wi_1"},
    {"ffn_down", "layer.1.DenseReluDense.wo"},
    {"ffn_norm", "layer.1.layer_norm"},
});

std::string rename_llama_t5(std::string_view name) {
  if (name == "token_embd.weight") return "shared.weight";
  if (name == "enc.output_norm.weight") return "encoder.final_layer_norm.weight";
  constexpr std::string_view kBlock = "enc.blk.";
  if (!name.starts_with(kBlock)) return std::string(name);
  const auto layer = name.find('.', kBlock.size());
  if (layer == std::string_view::npos) return std::string(name);
  const auto leaf = name.find('.', layer + 1);
  const std::string_view called = name.substr(layer + 1, leaf - layer - 1);
  const auto known = std::ranges::find(kT5Layers, called, &Renaming::from);
  if (known == kT5Layers.end() || leaf == std::string_view::npos) return std::string(name);
  return "encoder.block." + std::string(name.substr(kBlock.size(), layer - kBlock.size())) + '.' +
         std::string(known->to) + std::string(name.substr(leaf));
}

// Newer code calls the QK norms' numbers weight, as every other norm's.
std::string rename_bfl(std::string_view name) {
  for (const std::string_view norm : {".query_norm.weight", ".key_norm.weight"})
    if (name.ends_with(norm))
      return std::string(name.substr(0, name.size() - std::string_view("weight").size())) + "scale";
  return std::string(name);
}

std::string rename(const Part& part, std::string_view name) {
  switch (part.kind) {
    case PartKind::clip:
      return rename_clip(name);
    case PartKind::t5:
      return part.naming == Naming::llama_cpp ? rename_llama_t5(name) : rename_t5(name);
    case PartKind::transformer:
      return part.naming == Naming::black_forest_labs ? rename_bfl(name) : std::string(name);
    case PartKind::autoencoder:
      return std::string(name);
  }
  return std::string(name);
}

// The part with the longest prefix that the name has.
Part* find_owner(std::vector<Part>& parts, const std::string& name) {
  Part* owner = nullptr;
  for (Part& part : parts)
    if (name.starts_with(part.prefix) &&
        (owner == nullptr || part.prefix.size() > owner->prefix.size()))
      owner = &part;
  return owner;
}

Result<void> deal_out(TensorFile& file, std::vector<Part>& parts) {
  std::vector<std::string> strays;
  for (auto& [name, tensor] : file.tensors) {
    Part* owner = find_owner(parts, name);
    if (owner == nullptr) {
      // CLIP's temperature, which ComfyUI's checkpoints carry beside each text encoder.
      if (!name.ends_with(".logit_scale")) strays.push_back(name);
      continue;
    }
    const std::string_view own = std::string_view(name).substr(owner->prefix.size());
    if (owner->kind == PartKind::clip && is_unused_clip(own)) continue;
    if (!owner->file.tensors.emplace(rename(*owner, own), std::move(tensor)).second)
      return Error{Errc::invalid, file.path.string() + ": tensor " + shown_name(name) +
                                      " is there under another name too"};
  }
  if (strays.empty()) return {};
  std::string names;
  for (std::size_t i = 0; i < std::min(strays.size(), kNamesShown); ++i)
    names += (i > 0 ? ", " : "") + shown_name(strays[i]);
  return Error{Errc::invalid, file.path.string() + ": " + std::to_string(strays.size()) +
                                  " tensors belong to no part of FLUX.1: " + names +
                                  (strays.size() > kNamesShown ? ", …" : "")};
}

Error unknown(const TensorFile& file) {
  const std::string first = file.tensors.empty()
                                ? "it has no tensors"
                                : "its first tensor is " + shown_name(file.tensors.begin()->first);
  return {Errc::invalid, file.path.string() + " is no part of FLUX.1 that this engine knows (" +
                             first +
                             "); it takes a transformer, CLIP-L, T5 v1.1 XXL or an autoencoder"};
}

}  // namespace

std::string_view part_name(PartKind kind) {
  switch (kind) {
    case PartKind::transformer:
      return "transformer";
    case PartKind::clip:
      return "text_encoder";
    case PartKind::t5:
      return "text_encoder_2";
    case PartKind::autoencoder:
      return "vae";
  }
  return "";
}

std::string_view part_title(PartKind kind) {
  switch (kind) {
    case PartKind::transformer:
      return "FLUX.1 transformer";
    case PartKind::clip:
      return "CLIP text encoder";
    case PartKind::t5:
      return "T5 text encoder";
    case PartKind::autoencoder:
      return "FLUX.1 autoencoder";
  }
  return "";
}

std::string_view naming_title(Naming naming) {
  switch (naming) {
    case Naming::black_forest_labs:
      return "Black Forest Labs";
    case Naming::diffusers:
      return "diffusers";
    case Naming::transformers:
      return "transformers";
    case Naming::llama_cpp:
      return "llama.cpp";
  }
  return "";
}

namespace {

// The size of that dimension of the first of these tensors that is there.
std::optional<std::int64_t> size_of(const Part& part, std::initializer_list<const char*> names,
                                    std::size_t dimension) {
  for (const char* name : names) {
    const auto found = part.file.tensors.find(name);
    if (found != part.file.tensors.end() && found->second.shape.size() > dimension)
      return found->second.shape[dimension];
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> meeting_width(const Part& part) {
  switch (part.kind) {
    case PartKind::clip:
      return size_of(part, {"text_model.embeddings.token_embedding.weight"}, 1);
    case PartKind::t5:
      return size_of(part, {"shared.weight", "encoder.embed_tokens.weight"}, 1);
    case PartKind::autoencoder:
      return size_of(part, {"decoder.conv_in.weight"}, 1);
    case PartKind::transformer:
      break;
  }
  return std::nullopt;
}

std::optional<std::int64_t> meeting_width(const Part& transformer, PartKind kind) {
  switch (kind) {
    case PartKind::clip:
      return size_of(transformer,
                     {"vector_in.in_layer.weight", "time_text_embed.text_embedder.linear_1.weight"},
                     1);
    case PartKind::t5:
      return size_of(transformer, {"txt_in.weight", "context_embedder.weight"}, 1);
    case PartKind::autoencoder: {
      const auto channels = size_of(transformer, {"img_in.weight", "x_embedder.weight"}, 1);
      return channels ? std::optional(*channels / 4) : std::nullopt;  // 2 x 2 cells a token
    }
    case PartKind::transformer:
      break;
  }
  return std::nullopt;
}

Result<std::vector<Part>> recognise(TensorFile stored) {
  if (auto refusal = find_refusal(stored)) return std::move(*refusal);
  if (is_lora(stored))
    return Error{Errc::invalid, stored.path.string() +
                                    " is a LoRA, not a model: give it as a LoRA beside a model"};
  TensorFile file = TRY(join_scales(std::move(stored)));
  std::vector<Part> parts = find_parts(file);
  if (parts.empty()) return unknown(file);
  TRY(deal_out(file, parts));
  return parts;
}

}  // namespace pirouette::flux
