#pragma once
// A whole transformer, from scratch or further; its text encoders stay as they are, or are trained
// with it. The autoencoder is given.

#include <memory>

#include "worker/train/denoiser.h"
#include "worker/train/model_options.h"
#include "worker/train/task.h"

namespace pirouette::train {

// train_text_encoders: CLIP and T5 too. dataset must live as long. Saved as a diffusers folder
// (model_folder.h).
Result<std::unique_ptr<Task>> make_model_task(const ModelOptions& model, bool train_text_encoders,
                                              const DenoiserOptions& denoiser,
                                              const Dataset& dataset);

}  // namespace pirouette::train
