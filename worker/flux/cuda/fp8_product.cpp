#include "worker/flux/cuda/fp8_product.h"

#include <torch/version.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <stdexcept>

#include "worker/flux/cuda/fp8_kernels.h"
#include "worker/flux/cuda/fp8_matmul.h"
#include "worker/flux/cuda/launching.h"

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 5)
#define PIROUETTE_TORCH_SCALED_MM 1
#else
#define PIROUETTE_TORCH_SCALED_MM 0
#endif

namespace pirouette::flux::cuda {
namespace {

std::atomic<Fp8By> chosen{Fp8By::best};

bool by_cublaslt(Fp8By by) {
  return by == Fp8By::best ? knows_row_scales() : by == Fp8By::cublaslt;
}

Fp8Matmul describe(const Tensor& out, const Fp8Rows& x, const Linear& linear) {
  Fp8Matmul m;
  m.x = x.bytes.data_ptr();
  m.x_scales = x.scales.data_ptr<float>();
  m.weight = linear.weight.data_ptr();
  m.weight_scales = linear.scales.data_ptr<float>();
  m.bias = linear.bias.defined() ? linear.bias.data_ptr() : nullptr;
  m.out = out.data_ptr();
  m.rows = x.bytes.size(0);
  m.columns = linear.weight.size(0);
  m.inner = linear.weight.size(1);
  m.x_stride = x.bytes.stride(0);
  m.weight_stride = linear.weight.stride(0);
  m.out_stride = out.stride(0);
  return m;
}

void multiply_by_torch([[maybe_unused]] const Tensor& out, [[maybe_unused]] const Fp8Rows& x,
                       [[maybe_unused]] const Linear& linear) {
#if PIROUETTE_TORCH_SCALED_MM
  Tensor to = out;
  std::optional<Tensor> bias;
  if (linear.bias.defined()) bias = linear.bias;
  at::_scaled_mm_out(to, x.bytes.view(at::kFloat8_e4m3fn),
                     linear.weight.view(at::kFloat8_e4m3fn).t(), x.scales.unsqueeze(1),
                     linear.scales.unsqueeze(0), bias, /*scale_result=*/std::nullopt, at::kBFloat16,
                     /*use_fast_accum=*/true);
#else
  throw std::runtime_error("float8 needs torch 2.5 or newer; take another --weights");
#endif
}

// More rows, of which the last are anything: each row of a product is made of its own row alone.
Fp8Rows with_room(const Fp8Rows& x, std::int64_t rows) {
  const Fp8Rows more{at::empty({rows, x.bytes.size(1)}, x.bytes.options()),
                     at::empty({rows}, x.scales.options())};
  more.bytes.slice(0, 0, x.bytes.size(0)).copy_(x.bytes);
  more.scales.slice(0, 0, x.scales.size(0)).copy_(x.scales);
  return more;
}

// So many rows are computed that cuBLASLt has a product of them; 0: it has none of any count.
std::int64_t find_count_with_product(const Fp8Matmul& of) {
  constexpr std::array<std::int64_t, 5> kCounts = {64, 272, 512, 1024, 4096};
  Fp8Matmul more = of;
  more.x = more.out = nullptr;  // new memory: aligned as well as can be
  more.x_stride = of.inner;
  more.out_stride = of.columns;
  for (const std::int64_t count : kCounts) {
    more.rows = count;
    if (count > of.rows && has_product(more)) return count;
  }
  return 0;
}

// Rows in the middle of others: their scales begin anywhere, and kernels read some at once.
Fp8Rows with_aligned_scales(Fp8Rows x) {
  constexpr std::uintptr_t kAligned = 16;
  if (reinterpret_cast<std::uintptr_t>(x.scales.data_ptr()) % kAligned != 0)
    x.scales = x.scales.clone();
  return x;
}

void multiply_by_cublaslt(const Tensor& out, const Fp8Rows& fed, const Linear& linear) {
  const Tensor workspace = matmul_workspace(out.device());
  const cudaStream_t stream = current_stream(out.device());
  const Fp8Matmul matmul = describe(out, fed, linear);
  if (multiply(matmul, workspace.data_ptr(), stream)) return;
  const std::int64_t count = find_count_with_product(matmul);
  if (count == 0) {
    Tensor to = out;
    to.copy_(linear(widen_rows(fed, at::kBFloat16)));
    return;
  }
  const Fp8Rows more = with_room(fed, count);
  const Tensor whole = at::empty({count, out.size(1)}, out.options());
  PIROUETTE_CHECK(multiply(describe(whole, more, linear), workspace.data_ptr(), stream));
  Tensor to = out;
  to.copy_(whole.slice(0, 0, out.size(0)));
}

}  // namespace

Fp8Rows quantise(const Tensor& rows) {
  PIROUETTE_CHECK(rows.is_cuda() && rows.scalar_type() == at::kBFloat16 && rows.stride(1) == 1);
  const auto options = rows.options();
  Fp8Rows out{at::empty(rows.sizes(), options.dtype(at::kByte)),
              at::empty({rows.size(0)}, options.dtype(at::kFloat))};
  QuantiseRows q;
  q.bytes = out.bytes.data_ptr<std::uint8_t>();
  q.scales = out.scales.data_ptr<float>();
  q.first = address(rows);
  q.first_stride = rows.stride(0);
  q.first_width = rows.size(1);
  q.rows = rows.size(0);
  quantise_rows(q, current_stream(rows.device()));
  return out;
}

void multiply_into(const Tensor& out, const Fp8Rows& x, const Linear& linear) {
  PIROUETTE_CHECK(linear.is_fp8() && out.scalar_type() == at::kBFloat16);
  PIROUETTE_CHECK(out.stride(1) == 1 && x.bytes.size(1) == linear.weight.size(1));
  PIROUETTE_CHECK(out.size(0) == x.bytes.size(0) && out.size(1) == linear.weight.size(0));
  const Fp8Rows fed = with_aligned_scales(x);
  if (by_cublaslt(chosen.load(std::memory_order_relaxed)))
    multiply_by_cublaslt(out, fed, linear);
  else
    multiply_by_torch(out, fed, linear);
}

std::int64_t computed_rows(const Tensor& out, const Fp8Rows& x, const Linear& linear) {
  const Fp8Matmul matmul = describe(out, x, linear);
  return has_product(matmul) ? matmul.rows : find_count_with_product(matmul);
}

void multiply_fp8_by(Fp8By by) { chosen.store(by, std::memory_order_relaxed); }

std::vector<Proposal> time_proposals(const Tensor& out, const Fp8Rows& x, const Linear& linear,
                                     int most) {
  const Tensor workspace = matmul_workspace(out.device());
  return time_proposals(describe(out, x, linear), most, workspace.data_ptr(),
                        current_stream(out.device()));
}

}  // namespace pirouette::flux::cuda
