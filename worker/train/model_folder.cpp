#include "worker/train/model_folder.h"

#include <algorithm>
#include <utility>

#include "worker/flux/diffusers_layout.h"
#include "worker/flux/part_weights.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;

constexpr const char* kIndex = "model_index.json";

// The rows of a fused tensor that are one part's: q, k and v come first and are equal, mlp is last.
Tensor rows_of(const Tensor& fused, const flux::Place& place, std::int64_t rows) {
  const std::int64_t first = place.part < 3 ? place.part * rows : fused.size(0) - rows;
  return fused.slice(0, first, first + rows);
}

std::pair<std::string, std::string> split_leaf(const std::string& name) {
  const auto dot = name.rfind('.');
  return {name.substr(0, dot), name.substr(dot + 1)};
}

// What a transformer's tensor of diffusers is made of.
Tensor of_transformer(const std::string& name, std::int64_t rows, const Tensors& canonical) {
  const auto place = flux::place_module(split_leaf(name).first);
  const Tensor& whole = canonical.at(flux::canonical_name(name));
  if (!place) return whole;
  if (place->swaps_halves) return at::roll(whole, whole.size(0) / 2, 0);
  return place->parts == 1 ? whole : rows_of(whole, *place, rows);
}

int count_levels(const flux::StoredTensors& tensors) {
  int levels = 0;
  while (
      tensors.contains("decoder.up_blocks." + std::to_string(levels) + ".resnets.0.conv1.weight"))
    ++levels;
  return levels;
}

// The part's tensors under its file's own names and shapes.
Tensors named_as_stored(const flux::Part& part, const Tensors& canonical) {
  Tensors named;
  const int levels = count_levels(part.file.tensors);
  for (const auto& [name, stored] : part.file.tensors) {
    Tensor tensor;
    if (part.naming == flux::Naming::diffusers && part.kind == flux::PartKind::transformer)
      tensor = of_transformer(name, stored.shape.at(0), canonical);
    else if (part.naming == flux::Naming::diffusers)
      tensor = canonical.at(flux::canonical_autoencoder_name(name, levels));
    else
      tensor = canonical.at(name);
    named.emplace(name, tensor.reshape(stored.shape));
  }
  return named;
}

bool is_weights(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json");
}

Result<void> copy_folder(const fs::path& from, const fs::path& to, bool with_weights) {
  std::error_code failed;
  fs::create_directories(to, failed);
  for (const auto& entry : fs::directory_iterator(from, failed)) {
    if (!entry.is_regular_file() || (!with_weights && is_weights(entry.path()))) continue;
    fs::copy_file(entry.path(), to / entry.path().filename(), fs::copy_options::overwrite_existing,
                  failed);
    if (failed) break;
  }
  if (!failed) return {};
  return Error{Errc::io,
               "copying " + from.string() + " to " + to.string() + ": " + failed.message()};
}

}  // namespace

Result<ModelFolder> ModelFolder::open(const fs::path& folder) {
  const flux::Layout layout = TRY(flux::find_weights(folder)).layout;
  if (layout != flux::Layout::diffusers)
    return Error{Errc::invalid, folder.string() + " is a " +
                                    std::string(flux::layout_title(layout)) +
                                    "; a whole model is trained in diffusers' layout only, as "
                                    "pirouette-train init writes it"};
  return ModelFolder(folder, TRY(flux::find_model(folder, std::nullopt)));
}

Result<void> ModelFolder::save(const fs::path& to, const Tensors& learnt,
                               at::ScalarType dtype) const {
  const at::NoGradGuard no_grad;
  std::error_code failed;
  fs::create_directories(to, failed);
  fs::copy_file(folder_ / kIndex, to / kIndex, fs::copy_options::overwrite_existing, failed);
  if (failed)
    return Error{Errc::io, "copying " + (folder_ / kIndex).string() + " to " + to.string() + ": " +
                               failed.message()};
  for (const char* settings : {"scheduler", "tokenizer", "tokenizer_2"})
    if (std::error_code ignored; fs::exists(folder_ / settings, ignored))
      TRY(copy_folder(folder_ / settings, to / settings, true));
  for (const flux::Part* part :
       {&source_.transformer, &source_.clip, &source_.t5, &source_.autoencoder}) {
    const std::string name(flux::part_name(part->kind));
    const auto first = learnt.lower_bound(name + '.');
    const bool is_trained = first != learnt.end() && first->first.starts_with(name + '.');
    TRY(copy_folder(folder_ / name, to / name, !is_trained));
    if (!is_trained) continue;
    Tensors canonical = TRY(flux::open_part(*part, at::kFloat)).tensors();
    for (auto& [key, tensor] : canonical)
      if (const auto found = learnt.find(name + '.' + key); found != learnt.end())
        tensor = found->second;
    Tensors named = named_as_stored(*part, canonical);
    for (auto& [key, tensor] : named)
      if (tensor.is_floating_point()) tensor = tensor.to(dtype);
    const bool is_text = part->kind == flux::PartKind::clip || part->kind == flux::PartKind::t5;
    const char* file = is_text ? "model.safetensors" : "diffusion_pytorch_model.safetensors";
    TRY(flux::save_safetensors(to / name / file, named, {{"format", "pt"}}));
  }
  return {};
}

Result<void> ModelFolder::export_to(const fs::path& to) const {
  Tensors all;
  for (const flux::Part* part :
       {&source_.transformer, &source_.clip, &source_.t5, &source_.autoencoder}) {
    const std::string prefix = std::string(flux::part_name(part->kind)) + '.';
    const flux::Weights stored = TRY(flux::open_part(*part, at::kFloat));
    for (const auto& [name, tensor] : stored.tensors()) all.emplace(prefix + name, tensor);
  }
  return save(to, all, at::kBFloat16);
}

}  // namespace pirouette::train
