#pragma once
// An autoencoder, from scratch or further: pictures through few numbers and back. The loss is the
// pixels' error (L1 or squared), and that of their Sobel gradients, which keeps lines sharp where
// an adversary would otherwise be needed; a small KL term keeps latents near the standard normal.
// After the training, scaling_factor and shift_factor are measured, so that latents have mean 0 and
// deviation 1.

#include <memory>

#include "worker/flux/reference.h"
#include "worker/train/dataset.h"
#include "worker/train/model_options.h"
#include "worker/train/task.h"

namespace pirouette::train {

struct AutoencoderOptions {
  flux::Size size;
  std::uint64_t seed = 0;
  std::uint64_t batch = 1;
  int workers = 0;       // threads that draw examples ahead; 0: none does
  bool squared = false;  // MSE instead of L1
  double gradient_weight = 0.5;
  // Of the sum over a picture's latents. Latent diffusion's 1e-6 stands beside a sum over all
  // pixels; beside a mean it is so much that hues are given up.
  double kl_weight = 1e-9;
  std::int64_t shown = 4;
};

// Learns from targets and references alike. dataset must live as long.
Result<std::unique_ptr<Task>> make_autoencoder_task(const ModelOptions& model,
                                                    const AutoencoderOptions& options,
                                                    const Dataset& dataset);

}  // namespace pirouette::train
