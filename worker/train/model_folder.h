#pragma once
// A model in diffusers' layout, read and written back: what was trained replaces the same tensors
// under the same names, and everything else is copied as it is (settings, tokenizers, parts that
// nobody trained).

#include <filesystem>

#include "worker/flux/storage/model_source.h"
#include "worker/train/parameters.h"

namespace pirouette::train {

class ModelFolder {
 public:
  // invalid: another layout than diffusers'.
  static Result<ModelFolder> open(const std::filesystem::path& folder);

  const flux::ModelSource& source() const { return source_; }

  // learnt: canonical tensors as "transformer.NAME", "vae.NAME", "text_encoder.NAME",
  // "text_encoder_2.NAME". A part is written whole, in that dtype, where any of its is there.
  Result<void> save(const std::filesystem::path& to, const Tensors& learnt,
                    at::ScalarType dtype) const;

  // Every part in bfloat16, as it is shipped.
  Result<void> export_to(const std::filesystem::path& to) const;

 private:
  ModelFolder(std::filesystem::path folder, flux::ModelSource source)
      : folder_(std::move(folder)), source_(std::move(source)) {}

  std::filesystem::path folder_;
  flux::ModelSource source_;
};

}  // namespace pirouette::train
