#pragma once
// Where a model's parts lie on disk, how big they are, and the transformer's tensors by name: what
// loads, watches and hashes a model asks here, so that only this file knows the layout.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/checkpoint.h"

namespace pirouette::flux {

struct KontextFiles {
  std::filesystem::path model;  // a folder in diffusers' layout, as FLUX.1-Kontext-dev is published
  // A folder with tokenizer/ and tokenizer_2/; by default the model's own.
  std::optional<std::filesystem::path> tokenizers;
};

// The files and folders that each part is read from, settings and tokenizers included.
struct KontextParts {
  std::vector<std::filesystem::path> transformer, autoencoder, text;
};
KontextParts parts_of(const KontextFiles& files);

// What the parts take on the device, told from the files' headers.
struct KontextBytes {
  std::uint64_t transformer = 0;
  std::uint64_t autoencoder = 0;
  std::uint64_t text_encoders = 0;
};
Result<KontextBytes> measure(const KontextFiles& files, at::ScalarType dtype);

// The transformer's weights by their canonical names, as stored, on the host: views of the files,
// but for fused ones. wanted: only these, or null for all.
Result<Weights> open_transformer(const KontextFiles& files, const std::set<std::string>* wanted);

}  // namespace pirouette::flux
