#pragma once
// What the model is asked to learn: from a picture mixed with noise, the way from the one to the
// other. x = (1 - sigma) picture + sigma noise; the velocity wanted is noise - picture. How often
// each sigma is drawn, and what its error weighs, has the names and formulas of diffusers'
// training_utils.py (compute_density_for_timestep_sampling, compute_loss_weighting_for_sd3). On top
// of that, sigmas are shifted with the picture's size as the sampler shifts them, so that training
// sees what rendering asks for.

#include <string>

#include "common/result.h"
#include "worker/flux/ops.h"
#include "worker/flux/storage/model_numbers.h"

namespace pirouette::train {

using flux::Tensor;

enum class Weighting { none, logit_normal, mode, sigma_sqrt, cosmap };

// invalid names the ones there are.
Result<Weighting> parse_weighting(const std::string& text);

struct FlowOptions {
  Weighting weighting = Weighting::logit_normal;  // --weighting_scheme
  double logit_mean = 0, logit_std = 1, mode_scale = 1.29;
};

// [count] float32 on the CPU, in 0..1. tokens: of the picture alone, without the reference.
Tensor draw_sigmas(std::int64_t count, const FlowOptions& options, std::int64_t tokens,
                   const flux::Shift& shift, const at::Generator& generator);

// On the way from pictures to noise, and which way that is. All [B, L, C], sigmas [B].
struct Mixed {
  Tensor noisy, velocity;
};
Mixed mix(const Tensor& clean, const Tensor& noise, const Tensor& sigmas);

// What each sigma's squared error counts: [count].
Tensor loss_weights(const Tensor& sigmas, Weighting weighting);

// What the squared error of each place counts: mask_weight where the mask is 1 for where it is 0,
// and 1 on average over an example. masks [B, 1, h, w] -> [B, L, 4 channels], packed as latents
// are.
Tensor place_weights(const Tensor& masks, std::int64_t channels, double mask_weight);

}  // namespace pirouette::train
