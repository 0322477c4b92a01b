#include "worker/flux/inspection.h"

#include <algorithm>
#include <array>
#include <set>

#include "worker/flux/autoencoder.h"
#include "worker/flux/clip_encoder.h"
#include "worker/flux/part_weights.h"
#include "worker/flux/storage/model_source.h"
#include "worker/flux/storage/refusals.h"
#include "worker/flux/t5_encoder.h"
#include "worker/flux/transformer.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;

using Dimensions = std::vector<std::pair<std::string, std::int64_t>>;

// Of a tensor by its canonical name; 0 where it is missing, which the loader complains about.
std::int64_t size_of(const Tensors& tensors, const std::string& name, int64_t dimension) {
  const auto found = tensors.find(name);
  return found == tensors.end() || found->second.dim() <= dimension ? 0
                                                                    : found->second.size(dimension);
}

// How many "PREFIX0.", "PREFIX1." … there are.
std::int64_t count_numbered(const Tensors& tensors, const std::string& prefix) {
  std::set<std::string> numbers;
  for (auto it = tensors.lower_bound(prefix); it != tensors.end() && it->first.starts_with(prefix);
       ++it)
    numbers.insert(
        it->first.substr(prefix.size(), it->first.find('.', prefix.size()) - prefix.size()));
  return static_cast<std::int64_t>(numbers.size());
}

Dimensions transformer_dimensions(const Tensors& t, const ModelNumbers& numbers) {
  const std::int64_t width = size_of(t, "img_in.weight", 0);
  const std::int64_t head = numbers.axes[0] + numbers.axes[1] + numbers.axes[2];
  return {{"width", width},
          {"heads", width / std::max<std::int64_t>(1, head)},
          {"double_blocks", count_numbered(t, "double_blocks.")},
          {"single_blocks", count_numbered(t, "single_blocks.")},
          {"mlp_width", size_of(t, "double_blocks.0.img_mlp.0.weight", 0)},
          {"channels", size_of(t, "img_in.weight", 1)},
          {"text_width", size_of(t, "txt_in.weight", 1)},
          {"pooled_width", size_of(t, "vector_in.in_layer.weight", 1)},
          {"guidance", t.contains("guidance_in.in_layer.weight") ? 1 : 0}};
}

Dimensions dimensions_of(PartKind kind, const Tensors& t, const ModelNumbers& numbers) {
  switch (kind) {
    case PartKind::transformer:
      return transformer_dimensions(t, numbers);
    case PartKind::clip:
      return {{"width", size_of(t, "text_model.embeddings.token_embedding.weight", 1)},
              {"heads", numbers.clip_heads},
              {"layers", count_numbered(t, "text_model.encoder.layers.")},
              {"positions", size_of(t, "text_model.embeddings.position_embedding.weight", 0)},
              {"vocabulary", size_of(t, "text_model.embeddings.token_embedding.weight", 0)}};
    case PartKind::t5: {
      const std::string embedding =
          t.contains("shared.weight") ? "shared.weight" : "encoder.embed_tokens.weight";
      const std::string first = "encoder.block.0.layer.";
      return {{"width", size_of(t, embedding, 1)},
              {"heads", size_of(t, first + "0.SelfAttention.relative_attention_bias.weight", 1)},
              {"blocks", count_numbered(t, "encoder.block.")},
              {"mlp_width", size_of(t, first + "1.DenseReluDense.wi_0.weight", 0)},
              {"vocabulary", size_of(t, embedding, 0)}};
    }
    case PartKind::autoencoder:
      return {{"latent_channels", size_of(t, "decoder.conv_in.weight", 1)},
              {"levels", count_numbered(t, "decoder.up.")}};
  }
  return {};
}

// The loader's own answer.
Result<void> try_to_build(PartKind kind, Weights weights, const ModelNumbers& numbers) {
  switch (kind) {
    case PartKind::transformer:
      (void)TRY(Transformer::load(std::move(weights), numbers.axes));
      return {};
    case PartKind::clip:
      (void)TRY(ClipEncoder::load(std::move(weights), numbers.clip_heads));
      return {};
    case PartKind::t5:
      (void)TRY(T5Encoder::load(std::move(weights)));
      return {};
    case PartKind::autoencoder:
      (void)TRY(Autoencoder::load(std::move(weights), numbers.autoencoder));
      return {};
  }
  return {};
}

std::map<std::string, std::size_t> count_dtypes(const StoredTensors& tensors) {
  std::map<std::string, std::size_t> counts;
  for (const auto& [name, tensor] : tensors)
    ++counts[std::string(dtype_name(tensor.dtype)) + (tensor.scales.empty() ? "" : "+scale")];
  return counts;
}

Inspection inspect_part(const Part& part, const ModelNumbers& numbers) {
  Inspection seen;
  seen.path = part.file.path;
  seen.kind = part_name(part.kind);
  seen.title = part_title(part.kind);
  seen.layout = "names of " + std::string(naming_title(part.naming)) +
                (part.prefix.empty() ? "" : " under " + part.prefix);
  seen.dtypes = count_dtypes(part.file.tensors);
  seen.metadata = part.file.metadata;
  auto weights = outline_part(part, at::kFloat);
  if (!weights.ok()) {
    seen.why_not = weights.error().what;
    return seen;
  }
  seen.dimensions = dimensions_of(part.kind, weights.value().tensors(), numbers);
  const auto built = try_to_build(part.kind, std::move(weights).value(), numbers);
  seen.taken = built.ok();
  if (!built.ok()) seen.why_not = built.error().what;
  return seen;
}

Result<Inspection> describe_lora(const fs::path& path, const TensorFile& file) {
  LoraReport report = TRY(inspect_lora(path));
  Inspection seen;
  seen.path = path;
  seen.kind = "lora";
  seen.title = "LoRA";
  seen.dtypes = count_dtypes(file.tensors);
  seen.metadata = file.metadata;
  seen.trigger_words = report.trigger_words;
  seen.taken = report.is_taken;
  seen.why_not = report.why_not;
  if (!report.ranks.empty()) {
    const std::int64_t least = *report.ranks.begin(), most = *report.ranks.rbegin();
    seen.dimensions = {{"rank", most}};
    if (least != most) seen.dimensions.emplace_back("least_rank", least);
  }
  seen.dimensions.emplace_back(
      "modules", static_cast<std::int64_t>(report.transformer_modules + report.clip_modules));
  seen.lora = std::move(report);
  return seen;
}

// A model as a whole is taken if each of its parts is.
Inspection join(Inspection whole) {
  whole.taken = true;
  for (const Inspection& part : whole.parts) {
    if (part.taken) continue;
    whole.taken = false;
    whole.why_not = part.why_not;
    break;
  }
  return whole;
}

Inspection inspect_model(const fs::path& path, const ModelSource& source) {
  Inspection seen;
  seen.path = path;
  seen.kind = "model";
  seen.title = "FLUX.1 model";
  seen.layout = layout_title(source.layout);
  for (const Part* part : {&source.transformer, &source.clip, &source.t5, &source.autoencoder}) {
    const ModelNumbers& numbers = source.numbers;
    seen.parts.push_back(inspect_part(*part, numbers));
  }
  return join(std::move(seen));
}

Result<Inspection> inspect_file(const fs::path& path) {
  const TensorFile file = TRY(open_tensor_file(path));
  if ((is_lora(file) || looks_like_lora(path)) && !find_refusal(file))
    return describe_lora(path, file);
  Inspection seen;
  seen.path = path;
  seen.kind = "unknown";
  seen.title = "not a part of FLUX.1";
  seen.dtypes = count_dtypes(file.tensors);
  seen.metadata = file.metadata;
  const auto parts = recognise(file);
  if (!parts.ok()) {
    seen.why_not = parts.error().what;
    return seen;
  }
  for (const Part& part : parts.value())
    seen.parts.push_back(inspect_part(part, TRY(find_numbers(path, part.kind))));
  if (seen.parts.size() == 1) return seen.parts.front();
  seen.kind = "model";
  seen.title = "file of several parts";
  seen.layout = layout_title(Layout::checkpoint);
  return join(std::move(seen));
}

// A folder that is a whole model, rather than one part of one or an adapter.
bool is_whole_model(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return false;
  for (const char* name : {"transformer", "diffusion_models", "unet", "checkpoints"})
    if (fs::is_directory(path / name, ignored)) return true;
  return false;
}

}  // namespace

Result<Inspection> inspect(const fs::path& path) {
  const at::NoGradGuard no_grad;
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    return Error{Errc::not_found, path.string() + ": there is no such file or folder"};
  if (!fs::is_directory(path, ignored)) return inspect_file(path);
  if (!is_whole_model(path)) {
    auto part = inspect_file(path);
    if (part.ok()) return part;
  }
  const auto source = find_weights(path);
  if (source.ok()) return inspect_model(path, source.value());
  Inspection seen;
  seen.path = path;
  seen.kind = "unknown";
  seen.title = "no whole model";
  seen.why_not = source.error().what;
  return seen;
}

}  // namespace pirouette::flux
