// fp8_kernels.h says what this does.

#include "worker/flux/cuda/fp8.cuh"
#include "worker/flux/cuda/fp8_kernels.h"
#include "worker/flux/cuda/launch.h"

namespace pirouette::flux::cuda {
namespace {

constexpr int kThreadsMax = 512;

// The card's own tanh is 2^-11 off, which e4m3's three bits do not see.
__device__ inline float gelu(float x) {
  const float inner = 0.7978845608f * x * (1.0f + 0.044715f * x * x);
  float tanh;
  asm("tanh.approx.f32 %0, %1;" : "=f"(tanh) : "f"(inner));
  return 0.5f * x * (1.0f + tanh);
}

// A block a row; every load is on its way before the first number is used.
template <int kVectors>
__global__ void __launch_bounds__(kThreadsMax) quantise_rows_kernel(QuantiseRows q) {
  __shared__ float peaks[kWarp];
  const std::int64_t row = blockIdx.x;
  const int first_width = static_cast<int>(q.first_width);
  const int width = first_width + static_cast<int>(q.second_width);
  const int step = blockDim.x * kWide, begin = threadIdx.x * kWide;
  const bf16* first = q.first + row * q.first_stride;
  const bf16* second = q.second + row * q.second_stride;
  uint4 raw[kVectors] = {};
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const int column = begin + v * step;
    if (column < first_width)
      raw[v] = *reinterpret_cast<const uint4*>(first + column);
    else if (column < width)
      raw[v] = *reinterpret_cast<const uint4*>(second + column - first_width);
  }
  Wide x[kVectors];
  float peak = 0;
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    x[v] = widen(raw[v]);
    if (begin + v * step >= first_width) {
#pragma unroll
      for (int i = 0; i < kWide; ++i) x[v].at[i] = gelu(x[v].at[i]);
    }
    peak = peak_of(peak, x[v]);
  }
  peak = peak_over_block(peak, peaks);
  const float factor = kFp8Max / peak;
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const int column = begin + v * step;
    if (column < width) store_fp8(q.bytes + row * width + column, x[v], factor);
  }
  if (threadIdx.x == 0) q.scales[row] = peak / kFp8Max;
}

template <int kVectors>
void launch(const QuantiseRows& q, std::int64_t vectors, cudaStream_t stream) {
  const auto threads = static_cast<unsigned>((vectors + kVectors - 1) / kVectors + kWarp - 1);
  quantise_rows_kernel<kVectors>
      <<<static_cast<unsigned>(q.rows), threads / kWarp * kWarp, 0, stream>>>(q);
}

}  // namespace

void quantise_rows(const QuantiseRows& q, cudaStream_t stream) {
  const std::int64_t width = q.first_width + q.second_width;
  if (width > kQuantiseWidthMax || q.first_width % kWide != 0 || q.second_width % kWide != 0)
    throw std::runtime_error("quantise_rows: no multiples of 8 up to 32768 wide");
  if (q.rows == 0 || width == 0) return;
  const std::int64_t vectors = width / kWide;
  if (vectors <= kThreadsMax)
    launch<2>(q, vectors, stream);
  else if (vectors <= 4 * kThreadsMax)
    launch<4>(q, vectors, stream);
  else
    launch<8>(q, vectors, stream);
  check_launch("quantise_rows");
}

}  // namespace pirouette::flux::cuda
