#include "worker/flux/sampler.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

namespace pirouette::flux {

float shift_factor(int64_t tokens, const Shift& shift) {
  const double slope =
      (shift.max - shift.base) / static_cast<double>(shift.max_tokens - shift.base_tokens);
  const double mu = static_cast<double>(tokens) * slope + shift.base -
                    slope * static_cast<double>(shift.base_tokens);
  return static_cast<float>(std::exp(mu));
}

std::vector<float> make_sigmas(int steps, int64_t tokens, const Shift& shift) {
  const float factor = shift_factor(tokens, shift);
  std::vector<float> sigmas;
  for (int i = 0; i < steps; ++i) {
    const double last = 1.0 / steps;
    const double even = steps == 1 ? 1.0 : 1.0 + i * ((last - 1.0) / (steps - 1));
    const auto sigma = static_cast<float>(even);
    sigmas.push_back(factor / (factor + (1.0f / sigma - 1.0f)));
  }
  sigmas.push_back(0.0f);
  return sigmas;
}

Tensor euler_step(const Tensor& x, const Tensor& velocity, float sigma, float next) {
  return (x.to(at::kFloat) + velocity * (next - sigma)).to(x.scalar_type());
}

Tensor make_noise(std::uint64_t seed, std::array<int64_t, 3> shape, at::ScalarType dtype) {
  const at::Generator generator = at::detail::createCPUGenerator(seed);
  return at::randn({1, shape[0], shape[1], shape[2]}, generator,
                   at::TensorOptions().dtype(dtype).device(at::kCPU));
}

Tensor pack_latents(const Tensor& latents) {
  return latents.unflatten(3, {-1, 2})
      .unflatten(2, {-1, 2})        // [B, c, h/2, 2, w/2, 2]
      .permute({0, 2, 4, 1, 3, 5})  // [B, h/2, w/2, c, 2, 2]
      .flatten(3)
      .flatten(1, 2);
}

Tensor unpack_latents(const Tensor& tokens, int64_t height, int64_t width) {
  return tokens.unflatten(2, {-1, 2, 2})
      .unflatten(1, {height / 2, width / 2})  // [B, h/2, w/2, c, 2, 2]
      .permute({0, 3, 1, 4, 2, 5})            // [B, c, h/2, 2, w/2, 2]
      .flatten(4)
      .flatten(2, 3);
}

Tensor make_ids(int picture, int64_t rows, int64_t columns) {
  const Tensor ids = at::zeros({rows, columns, 3}, at::kFloat);
  ids.select(2, 0).fill_(picture);
  ids.select(2, 1).copy_(at::arange(rows, at::kFloat).unsqueeze(1).expand({rows, columns}));
  ids.select(2, 2).copy_(at::arange(columns, at::kFloat).unsqueeze(0).expand({rows, columns}));
  return ids.flatten(0, 1);
}

}  // namespace pirouette::flux
