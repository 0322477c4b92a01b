#pragma once
// What a file or folder is, and whether this engine takes it, without loading it: the model is
// built of tensors that have shapes and no numbers, so the answer is the loader's own.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/result.h"
#include "worker/flux/lora_inspection.h"

namespace pirouette::flux {

struct Inspection {
  std::filesystem::path path;
  std::string kind;    // transformer, text_encoder, text_encoder_2, vae, lora, model, unknown
  std::string title;   // "FLUX.1 transformer"
  std::string layout;  // "Black Forest Labs' names under model.diffusion_model."
  std::vector<std::pair<std::string, std::int64_t>> dimensions;  // in the order to show them
  std::map<std::string, std::size_t> dtypes;                     // tensors of each; "+scale" scaled
  std::vector<std::string> trigger_words;
  std::map<std::string, std::string> metadata;  // of the file's header
  bool taken = false;
  std::string why_not;             // a sentence, where it is not taken
  std::optional<LoraReport> lora;  // of a LoRA, more of it
  std::vector<Inspection> parts;   // of a model, or of a file with several
};

// not_found, io, corrupt: nothing can be said of it. A file of another kind is no error.
Result<Inspection> inspect(const std::filesystem::path& path);

}  // namespace pirouette::flux
