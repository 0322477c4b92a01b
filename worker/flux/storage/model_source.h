#pragma once
// Where the parts of a FLUX.1 model lie, in the layouts that studios have: a diffusers folder;
// Black Forest Labs' single file; ComfyUI's models/ folder, or a file in it; a checkpoint with
// everything in one. What a file is, is told from its tensors; names of folders say only where to
// look. Files are mapped and their headers read; no weight is. Free of torch.

#include <filesystem>
#include <optional>
#include <string>

#include "common/result.h"
#include "worker/flux/storage/model_numbers.h"
#include "worker/flux/storage/parts.h"

namespace pirouette::flux {

enum class Layout {
  diffusers,
  single_file,  // a transformer's file, the other parts beside it
  comfyui,      // models/, or a file in it
  checkpoint    // one file with all parts
};
std::string_view layout_title(Layout layout);

struct ModelSource {
  Layout layout = Layout::diffusers;
  Part transformer, clip, t5, autoencoder;
  ModelNumbers numbers;
  std::filesystem::path tokenizers;  // has tokenizer/ and tokenizer_2/
};

// model: a folder or a file. tokenizers: by default the model's own, or its folder's tokenizers/.
// not_found, invalid or corrupt says which part is missing or wrong, and what to do.
Result<ModelSource> find_model(const std::filesystem::path& model,
                               const std::optional<std::filesystem::path>& tokenizers);

// The same without tokenizers, for who only wants to know what is there.
Result<ModelSource> find_weights(const std::filesystem::path& model);

// What is said beside one part's file or folder: in its config.json, or in the pirouette.json of its
// folder or of the models/ folder that it lies in.
Result<ModelNumbers> find_numbers(const std::filesystem::path& part, PartKind kind);

}  // namespace pirouette::flux
