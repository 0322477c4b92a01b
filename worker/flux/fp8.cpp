#include "worker/flux/fp8.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "worker/flux/storage/small_floats.h"

#ifdef PIROUETTE_CUDA
#include "worker/flux/cuda/fp8_product.h"
#endif

namespace pirouette::flux {
namespace {

constexpr int64_t kProductMultiple = 16;

// A row of zeros has a scale too.
constexpr float kSmallestPeak = 1e-30f;

// Of the blocks' linears, the ends of those names that become float8.
constexpr std::array kEnds = {"_attn.qkv.weight", "_attn.proj.weight", "_mlp.0.weight",
                              "_mlp.2.weight",    ".linear1.weight",   ".linear2.weight"};

void quantise_row(const float* row, int64_t width, std::uint8_t* bytes, float& scale) {
  float peak = kSmallestPeak;
  for (int64_t i = 0; i < width; ++i) peak = std::max(peak, std::fabs(row[i]));
  scale = peak / kE4m3Max;
  const float factor = kE4m3Max / peak;
  for (int64_t i = 0; i < width; ++i) bytes[i] = float_to_e4m3(row[i] * factor);
}

Fp8Rows quantise_on_host(const Tensor& rows) {
  const Tensor wide = rows.to(at::kFloat).contiguous();
  const int64_t count = wide.size(0), width = wide.size(1);
  Fp8Rows out{at::empty({count, width}, at::kByte), at::empty({count}, at::kFloat)};
  const auto* from = wide.data_ptr<float>();
  auto* bytes = out.bytes.data_ptr<std::uint8_t>();
  auto* scales = out.scales.data_ptr<float>();
  at::parallel_for(0, count, 16, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      quantise_row(from + row * width, width, bytes + row * width, scales[row]);
  });
  return out;
}

Tensor widen_on_host(const Tensor& bytes) {
  const Tensor dense = bytes.contiguous();
  Tensor wide = at::empty(dense.sizes(), at::kFloat);
  const std::array<float, 256> values = float8_values(Dtype::f8_e4m3);
  const auto* from = dense.data_ptr<std::uint8_t>();
  auto* to = wide.data_ptr<float>();
  at::parallel_for(0, dense.numel(), int64_t{1} << 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = values[from[i]];
  });
  return wide;
}

}  // namespace

Fp8Rows quantise_rows(const Tensor& rows) {
  PIROUETTE_CHECK(rows.dim() == 2);
#ifdef PIROUETTE_CUDA
  if (rows.is_cuda()) return cuda::quantise(rows.to(at::kBFloat16).contiguous());
#endif
  return quantise_on_host(rows);
}

Tensor widen_rows(const Fp8Rows& rows, at::ScalarType type) {
  Tensor wide;
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1)
  if (!rows.bytes.is_cpu()) wide = rows.bytes.contiguous().view(at::kFloat8_e4m3fn).to(at::kFloat);
#endif
  if (!wide.defined()) wide = widen_on_host(rows.bytes);
  return wide.mul_(rows.scales.unsqueeze(1)).to(type);
}

bool becomes_fp8(const std::string& name, const Tensor& tensor) {
  if (!name.starts_with("double_blocks.") && !name.starts_with("single_blocks.")) return false;
  const auto ends = [&](const char* end) { return name.ends_with(end); };
  return std::ranges::any_of(kEnds, ends) && tensor.dim() == 2 &&
         tensor.size(0) % kProductMultiple == 0 && tensor.size(1) % kProductMultiple == 0;
}

std::string scale_name(const std::string& weight_name) { return weight_name + "_scale"; }

}  // namespace pirouette::flux
