#include "worker/flux/kontext_files.h"

#include <utility>

#include "worker/flux/fp8.h"
#include "worker/flux/part_weights.h"
#include "worker/flux/storage/model_source.h"
#include "worker/flux/variants.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;

// dtype: what floats are cast to, or as stored. fp8: but for those that become that.
std::uint64_t bytes_of(const Tensors& tensors, std::optional<at::ScalarType> dtype,
                       bool fp8 = false) {
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    if (fp8 && becomes_fp8(name, tensor)) {
      bytes += static_cast<std::uint64_t>(tensor.numel()) +
               static_cast<std::uint64_t>(tensor.size(0)) * sizeof(float);
      continue;
    }
    const bool is_cast = dtype && tensor.is_floating_point();
    const auto type = is_cast ? *dtype : tensor.scalar_type();
    bytes += static_cast<std::uint64_t>(tensor.numel()) * at::elementSize(type);
  }
  return bytes;
}

}  // namespace

Result<KontextParts> parts_of(const KontextFiles& files) {
  const ModelSource source = TRY(find_model(files.model, files.tokenizers));
  const auto at = [](const Part& part) { return part.file.path; };
  KontextParts parts{{at(source.transformer)},
                     {at(source.autoencoder)},
                     {at(source.clip), at(source.t5), source.tokenizers / "tokenizer",
                      source.tokenizers / "tokenizer_2"},
                     at(source.transformer)};
  if (source.layout == Layout::diffusers) {
    parts.named_by = files.model;
    if (std::error_code ignored; fs::exists(files.model / "scheduler", ignored))
      parts.transformer.push_back(files.model / "scheduler");
  }
  return parts;
}

Result<KontextBytes> measure(const KontextFiles& files, at::ScalarType dtype, bool fp8) {
  const at::NoGradGuard no_grad;
  const ModelSource source = TRY(find_model(files.model, files.tokenizers));
  const auto outline = [dtype](const Part& part) { return outline_part(part, dtype); };
  KontextBytes bytes;
  const Weights transformer = TRY(outline(source.transformer));
  bytes.transformer = bytes_of(transformer.tensors(), dtype, fp8);
  bytes.pristine = fp8 ? bytes_of(transformer.tensors(), dtype) : 0;
  Tensors modulations = transformer.tensors();
  std::erase_if(modulations, [](const auto& entry) { return !is_modulation(entry.first); });
  bytes.modulations = bytes_of(modulations, dtype);
  bytes.autoencoder = bytes_of(TRY(outline(source.autoencoder)).tensors(), dtype);
  for (const Part* part : {&source.clip, &source.t5})
    bytes.text_encoders += bytes_of(TRY(outline(*part)).tensors(), std::nullopt);
  return bytes;
}

}  // namespace pirouette::flux
