#include "worker/flux/kontext_files.h"

#include <utility>

#include "worker/flux/diffusers_layout.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;

// dtype: what floats are cast to, or as stored.
std::uint64_t bytes_of(const Tensors& tensors, std::optional<at::ScalarType> dtype) {
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    const bool is_cast = dtype && tensor.is_floating_point();
    const auto type = is_cast ? *dtype : tensor.scalar_type();
    bytes += static_cast<std::uint64_t>(tensor.numel()) * at::elementSize(type);
  }
  return bytes;
}

}  // namespace

KontextParts parts_of(const KontextFiles& files) {
  const fs::path& model = files.model;
  const fs::path tokenizers = files.tokenizers.value_or(model);
  return {{model / "transformer", model / "scheduler"},
          {model / "vae"},
          {model / "text_encoder", model / "text_encoder_2", tokenizers / "tokenizer",
           tokenizers / "tokenizer_2"}};
}

Result<KontextBytes> measure(const KontextFiles& files, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  KontextBytes bytes;
  const fs::path& model = files.model;
  bytes.transformer = bytes_of(TRY(load_weights(model / "transformer")).tensors(), dtype);
  bytes.autoencoder = bytes_of(TRY(load_weights(model / "vae")).tensors(), dtype);
  for (const char* part : {"text_encoder", "text_encoder_2"})
    bytes.text_encoders += bytes_of(TRY(load_weights(model / part)).tensors(), std::nullopt);
  return bytes;
}

Result<Weights> open_transformer(const KontextFiles& files, const std::set<std::string>* wanted) {
  Weights stored = TRY(load_weights(files.model / "transformer"));
  if (wanted == nullptr) return canonical_transformer(std::move(stored));
  Tensors some;
  for (const auto& [name, tensor] : stored.tensors())
    if (wanted->contains(canonical_name(name))) some.emplace(name, tensor);
  return canonical_transformer(Weights(std::move(some), stored.source()));
}

}  // namespace pirouette::flux
