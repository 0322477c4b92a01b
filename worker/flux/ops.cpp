#include "worker/flux/ops.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <tuple>

#include "worker/flux/fp8.h"

// Debian's BLAS, where it is OpenBLAS. It counts its threads by itself: with one thread for ATen
// and all cores for BLAS, eight small steps took 1.0 s of CPU time instead of 0.55 s (measured).
extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace pirouette::flux {

namespace {

// All adapters at once: their downs over each other, their ups side by side on their own rows.
// x [.., in] -> y [.., out] plus their changes.
Tensor with_changes(const Tensor& y, const Tensor& x, const std::vector<Adapter>& adapters) {
  std::vector<Tensor> downs, ups;
  for (const Adapter& a : adapters) {
    const int64_t rows_after = y.size(-1) - a.first_row - a.up.size(0);
    downs.push_back(a.down);
    ups.push_back(at::constant_pad_nd(a.up * *a.scale, {0, 0, a.first_row, rows_after}));
  }
  const Tensor inner = at::linear(x, at::cat(downs, 0));  // [.., sum of ranks]
  return at::addmm(y.flatten(0, -2), inner.flatten(0, -2), at::cat(ups, 1).t()).view_as(y);
}

}  // namespace

Tensor Linear::weight_on(at::Device device) const {
  return weight.device() == device ? weight : weight.to(device, weight.scalar_type(), true);
}

Tensor Linear::operator()(const Tensor& x) const {
  const Tensor here = weight_on(x.device());
  const Tensor y =
      at::linear(x, is_fp8() ? widen_rows({here, scales}, x.scalar_type()) : here, bias);
  return adapters.empty() ? y : with_changes(y, x, adapters);
}

Tensor Conv2d::operator()(const Tensor& x) const {
  return at::conv2d(x, weight, bias, stride, padding);
}

Tensor GroupNorm::operator()(const Tensor& x) const {
  return at::group_norm(x, groups, weight, bias, eps);
}

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v) {
#if TORCH_VERSION_MAJOR >= 2
  return at::scaled_dot_product_attention(q, k, v);
#else
  return std::get<0>(at::_scaled_dot_product_attention(q, k, v));
#endif
}

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& bias, double scale) {
  const Tensor scores = at::matmul(q * scale, k.transpose(-2, -1)) + bias;  // [B, H, Lq, Lk]
  // Normalised last, as the reference's fused kernels do: among hundreds of equal pads each weight
  // would be rounded the same way, and the errors add up to 1e-5. Any shift gives the same outcome,
  // so none has a gradient.
  const Tensor weights = at::exp(scores - scores.detach().amax(-1, /*keepdim=*/true));
  return at::matmul(weights, v) / weights.sum(-1, /*keepdim=*/true);
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps) {
#if TORCH_VERSION_MAJOR >= 2
  return at::rms_norm(x, {x.size(-1)}, weight, eps);
#else
  const Tensor f = at_least_float32(x);
  const Tensor normed = f * at::rsqrt(f.square().mean(-1, /*keepdim=*/true) + eps);
  return normed.to(x.scalar_type()) * weight;
#endif
}

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  return at::layer_norm(x, {x.size(-1)}, weight, bias, eps);
}

Tensor at_least_float32(const Tensor& x) {
  return x.scalar_type() == at::kDouble ? x : x.to(at::kFloat);
}

void set_threads(int threads) {
  at::set_num_threads(threads);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(threads);
}

std::string torch_version() { return std::string("libtorch ") + TORCH_VERSION; }

}  // namespace pirouette::flux
