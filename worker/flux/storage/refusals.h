#pragma once
// Files that studios have beside FLUX.1's weights, that are recognised by their tensors and that
// this engine does not take: each with a sentence on what it is and what to use instead. Free of
// torch.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "worker/flux/storage/tensor_file.h"

namespace pirouette::flux {

struct Refusal {
  std::string_view what;     // "a Nunchaku (SVDQuant) file"
  std::string_view told_by;  // for people who read docs/formats.md
  std::string_view advice;   // why not, and what to do
  bool (*is)(const TensorFile& file);
};

std::span<const Refusal> refusals();

// "PATH is a Nunchaku (SVDQuant) file: …", or none if it is none of these.
std::optional<Error> find_refusal(const TensorFile& file);

// A LoRA, by the names of its tensors: not a model, and not refused as a LoRA.
bool is_lora(const TensorFile& file);

// For the quant_method of a config.json: invalid, unless it is empty.
Result<void> check_quantisation(const std::string& method, const std::string& path);

}  // namespace pirouette::flux
