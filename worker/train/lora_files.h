#pragma once
// A trained LoRA as files, in the three spellings that the world reads:
//   adapter/                              PEFT: adapter_config.json, adapter_model.safetensors
//   pytorch_lora_weights.safetensors      diffusers, and what reads its names
//   lora_kohya.safetensors                kohya sd-scripts, and what reads its: ComfyUI, web UIs
// All three say the same change. In kohya's the parts of a fused projection are one module again,
// whose up is zero where its parts do not meet; so its rank is the sum of theirs.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "worker/train/adapters.h"

namespace pirouette::train {

struct TrainedLora {
  LoraOptions options;
  std::vector<Target> targets;
  std::string base_model;                       // what it was trained on, for people
  std::map<std::string, std::string> metadata;  // kohya's ss_* and the like
};

// learnt: by down_name() and up_name(). dtype: of the files.
Result<void> save_lora(const std::filesystem::path& folder, const TrainedLora& lora,
                       const Tensors& learnt, at::ScalarType dtype);

// The factors of a pytorch_lora_weights.safetensors as save_lora was given them, in float32.
// invalid: it has others than those of these targets, this rank and this alpha.
Result<Tensors> load_factors(const std::filesystem::path& file, const std::vector<Target>& targets,
                             const LoraOptions& options);

}  // namespace pirouette::train
