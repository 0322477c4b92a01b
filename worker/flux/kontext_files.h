#pragma once
// A model's files for who watches and hashes them, and how big its parts are: told from headers.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "common/result.h"
#include "worker/flux/checkpoint.h"

namespace pirouette::flux {

struct KontextFiles {
  std::filesystem::path model;  // a folder or file in any layout of model_source.h
  // A folder with tokenizer/ and tokenizer_2/; by default the model's own.
  std::optional<std::filesystem::path> tokenizers;
};

// The files and folders that each part is read from, settings and tokenizers included.
struct KontextParts {
  std::vector<std::filesystem::path> transformer, autoencoder, text;
  // What the model goes by: a diffusers folder, or the transformer's file or folder.
  std::filesystem::path named_by;
};
Result<KontextParts> parts_of(const KontextFiles& files);

// What the parts take on the device.
struct KontextBytes {
  std::uint64_t transformer = 0;
  std::uint64_t autoencoder = 0;
  std::uint64_t text_encoders = 0;
  std::uint64_t pristine = 0;     // of the transformer in the wide dtype, where it becomes float8
  std::uint64_t modulations = 0;  // of the transformer, those that can lie on the host (variants.h)
};
Result<KontextBytes> measure(const KontextFiles& files, at::ScalarType dtype, bool fp8 = false);

}  // namespace pirouette::flux
