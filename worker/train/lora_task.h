#pragma once
// A LoRA on a model that stays as it is.

#include <memory>

#include "worker/train/adapters.h"
#include "worker/train/denoiser.h"
#include "worker/train/model_options.h"
#include "worker/train/task.h"

namespace pirouette::train {

// dataset must live as long. Saved as lora_files.h says.
Result<std::unique_ptr<Task>> make_lora_task(const ModelOptions& model, const LoraOptions& lora,
                                             const DenoiserOptions& denoiser,
                                             const Dataset& dataset);

}  // namespace pirouette::train
