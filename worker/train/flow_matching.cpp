#include "worker/train/flow_matching.h"

#include <numbers>

#include "worker/flux/sampler.h"
#include "worker/flux/to_device.h"
#include "worker/train/chance.h"

namespace pirouette::train {
namespace {

constexpr double kPi = std::numbers::pi;
// So that no sigma is exactly 0 or 1, where weights and shift divide by zero.
constexpr double kEdge = 1e-5;

// How far down the schedule, 0 to 1: [count].
Tensor draw_places(std::int64_t count, const FlowOptions& options, const at::Generator& generator) {
  if (options.weighting == Weighting::logit_normal)
    return at::sigmoid(normal({count}, generator) * options.logit_std + options.logit_mean);
  const Tensor even = at::rand({count}, generator, at::TensorOptions(at::kFloat));
  if (options.weighting != Weighting::mode) return even;
  const Tensor cosine = at::cos(even * (kPi / 2)).square();
  return 1 - even - options.mode_scale * (cosine - 1 + even);
}

}  // namespace

Result<Weighting> parse_weighting(const std::string& text) {
  if (text == "none") return Weighting::none;
  if (text == "logit_normal") return Weighting::logit_normal;
  if (text == "mode") return Weighting::mode;
  if (text == "sigma_sqrt") return Weighting::sigma_sqrt;
  if (text == "cosmap") return Weighting::cosmap;
  return Error{Errc::invalid, "--weighting_scheme " + text +
                                  " is none of none, logit_normal, mode, sigma_sqrt and cosmap"};
}

Tensor draw_sigmas(std::int64_t count, const FlowOptions& options, std::int64_t tokens,
                   const flux::Shift& shift, const at::Generator& generator) {
  const Tensor even = (1 - draw_places(count, options, generator)).clamp(kEdge, 1 - kEdge);
  const double factor = flux::shift_factor(tokens, shift);
  return factor / (factor + at::reciprocal(even) - 1);
}

Mixed mix(const Tensor& clean, const Tensor& noise, const Tensor& sigmas) {
  const Tensor share = flux::to_device(sigmas, clean.device()).view({-1, 1, 1});
  return {(1 - share) * clean + share * noise, noise - clean};
}

Tensor loss_weights(const Tensor& sigmas, Weighting weighting) {
  if (weighting == Weighting::sigma_sqrt) return sigmas.pow(-2);
  if (weighting == Weighting::cosmap)
    return at::reciprocal(1 - 2 * sigmas + 2 * sigmas.square()) * (2 / kPi);
  return at::ones_like(sigmas);
}

Tensor place_weights(const Tensor& masks, std::int64_t channels, double mask_weight) {
  const Tensor counts = masks.to(at::kFloat) * (mask_weight - 1) + 1;
  const Tensor weights = counts / counts.mean(at::IntArrayRef{1, 2, 3}, /*keepdim=*/true);
  return flux::pack_latents(weights.expand({-1, channels, -1, -1}));
}

}  // namespace pirouette::train
