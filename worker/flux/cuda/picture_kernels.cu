// The autoencoder's passes over pixels, channels last; kernels.h says what each does.
//
// A group norm is three launches: partial sums of a strip of pixels by each block, one warp a group
// that adds them up in float64, and the pass that writes. No atomics, so the same input gives the
// same bits.

#include <algorithm>

#include "worker/flux/cuda/bf16.cuh"
#include "worker/flux/cuda/kernels.h"
#include "worker/flux/cuda/launch.h"

namespace pirouette::flux::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kStripsMax = 1024;     // together: 8 blocks for each of 132 processors
constexpr std::int64_t kStripPixelsMin = 32;  // so that a small picture has few

// Of each picture. A block's own sum at its end takes as long as many pixels.
std::int64_t strips_of(const GroupNormSilu& norm) {
  const std::int64_t most = kStripsMax / std::max<std::int64_t>(norm.batch, 1);
  return std::max<std::int64_t>(std::min(norm.pixels / kStripPixelsMin, most), 1);
}

__device__ Wide add_bias(Wide x, const bf16* bias) {
  if (bias == nullptr) return x;
  const Wide b = load(bias);
#pragma unroll
  for (int i = 0; i < kWide; ++i) x.at[i] += b.at[i];
  return x;
}

// partial [B, strips, groups]: sum and sum of squares. Threads stand side by side over a pixel's
// channels, and as many pixels deep as fit in the block.
__global__ void __launch_bounds__(kThreads) sum_strips_kernel(GroupNormSilu norm, float2* partial) {
  __shared__ float sums[kThreads * kWide], squares[kThreads * kWide];
  const int channels = static_cast<int>(norm.channels), across = channels / kWide;
  const int deep = kThreads / across;
  const int place = threadIdx.x % across, depth = threadIdx.x / across;
  const std::int64_t strip = blockIdx.x, strips = gridDim.x, batch = blockIdx.y;
  const std::int64_t begin = norm.pixels * strip / strips, end = norm.pixels * (strip + 1) / strips;
  Wide sum{}, square{};
  if (depth < deep) {
    const bf16* x = norm.x + batch * norm.pixels * channels + place * kWide;
    const bf16* before = norm.before == nullptr ? nullptr : norm.before + place * kWide;
#pragma unroll 4
    for (std::int64_t pixel = begin + depth; pixel < end; pixel += deep) {
      const Wide v = add_bias(load(x + pixel * channels), before);
#pragma unroll
      for (int i = 0; i < kWide; ++i) {
        sum.at[i] += v.at[i];
        square.at[i] += v.at[i] * v.at[i];
      }
    }
#pragma unroll
    for (int i = 0; i < kWide; ++i) {
      sums[depth * channels + place * kWide + i] = sum.at[i];
      squares[depth * channels + place * kWide + i] = square.at[i];
    }
  }
  __syncthreads();
  const int group = threadIdx.x, groups = static_cast<int>(norm.groups), size = channels / groups;
  if (group >= groups) return;
  float2 total{0, 0};
  for (int d = 0; d < deep; ++d) {
    for (int c = group * size; c < (group + 1) * size; ++c) {
      total.x += sums[d * channels + c];
      total.y += squares[d * channels + c];
    }
  }
  partial[(batch * strips + strip) * groups + group] = total;
}

// affine [B, C]: the factor and the summand that make x its normed self. A warp a group.
__global__ void affine_kernel(GroupNormSilu norm, const float2* partial, std::int64_t strips,
                              float2* affine) {
  const std::int64_t group = blockIdx.x, batch = blockIdx.y, size = norm.channels / norm.groups;
  double sum = 0, square = 0;
  for (std::int64_t strip = threadIdx.x; strip < strips; strip += kWarp) {
    const float2 part = partial[(batch * strips + strip) * norm.groups + group];
    sum += part.x;
    square += part.y;
  }
#pragma unroll
  for (int apart = kWarp / 2; apart > 0; apart /= 2) {
    sum += __shfl_xor_sync(kAllLanes, sum, apart);
    square += __shfl_xor_sync(kAllLanes, square, apart);
  }
  const auto count = static_cast<double>(norm.pixels * size);
  const double mean = sum / count;
  const double variance = fmax(square / count - mean * mean, 0.0);
  const auto factor = static_cast<float>(rsqrt(variance + static_cast<double>(norm.eps)));
  for (std::int64_t i = threadIdx.x; i < size; i += kWarp) {
    const std::int64_t c = group * size + i;
    const float a = factor * __bfloat162float(norm.weight[c]);
    const float before = norm.before == nullptr ? 0.0f : __bfloat162float(norm.before[c]);
    affine[batch * norm.channels + c] = {
        a, __bfloat162float(norm.bias[c]) + (before - static_cast<float>(mean)) * a};
  }
}

__global__ void __launch_bounds__(kThreads)
    apply_kernel(GroupNormSilu norm, const float2* affine, unsigned vectors) {
  const unsigned vector = blockIdx.x * kThreads + threadIdx.x;  // of this batch's picture
  if (vector >= vectors) return;
  const unsigned across = static_cast<unsigned>(norm.channels) / kWide;
  const std::int64_t batch = blockIdx.y;
  const std::int64_t at = (batch * vectors + vector) * kWide;
  const float2* own = affine + batch * norm.channels + vector % across * kWide;
  Wide x = load(norm.x + at);
#pragma unroll
  for (int i = 0; i < kWide; i += 2) {
    const float4 two = *reinterpret_cast<const float4*>(own + i);
    x.at[i] = x.at[i] * two.x + two.y;
    x.at[i + 1] = x.at[i + 1] * two.z + two.w;
  }
  if (norm.silu) {
#pragma unroll
    for (int i = 0; i < kWide; ++i) x.at[i] = x.at[i] / (1.0f + __expf(-x.at[i]));
  }
  store(norm.out + at, x);
}

__global__ void __launch_bounds__(kThreads)
    add_with_bias_kernel(bf16* x, const bf16* other, const bf16* bias, unsigned vectors,
                         unsigned across) {
  const unsigned vector = blockIdx.x * kThreads + threadIdx.x;
  if (vector >= vectors) return;
  const std::int64_t at = std::int64_t{vector} * kWide;
  const Wide a = add_bias(load(x + at), bias == nullptr ? nullptr : bias + vector % across * kWide);
  const Wide b = load(other + at);
  Wide sum;
#pragma unroll
  for (int i = 0; i < kWide; ++i) sum.at[i] = a.at[i] + b.at[i];
  store(x + at, sum);
}

unsigned blocks_for(unsigned vectors) { return (vectors + kThreads - 1) / kThreads; }

// 2^32 vectors are 64 GiB: no picture has them.
unsigned vectors_in(std::int64_t numbers) { return static_cast<unsigned>(numbers / kWide); }

}  // namespace

std::int64_t group_norm_scratch(const GroupNormSilu& norm) {
  return 2 * norm.batch * (strips_of(norm) * norm.groups + norm.channels);
}

void group_norm_silu(const GroupNormSilu& norm, cudaStream_t stream) {
  if (norm.channels % kWide != 0 || norm.channels % norm.groups != 0 ||
      norm.channels > kThreads * kWide || norm.groups > kThreads)
    throw std::runtime_error("group_norm_silu: these channels and groups do not fit");
  const std::int64_t strips = strips_of(norm);
  // Before the partial sums, so that it is aligned for loads of two channels.
  auto* affine = reinterpret_cast<float2*>(norm.scratch);
  auto* partial = affine + norm.batch * norm.channels;
  const auto batch = static_cast<unsigned>(norm.batch);
  sum_strips_kernel<<<dim3(static_cast<unsigned>(strips), batch), kThreads, 0, stream>>>(norm,
                                                                                         partial);
  check_launch("sum_strips");
  affine_kernel<<<dim3(static_cast<unsigned>(norm.groups), batch), kWarp, 0, stream>>>(
      norm, partial, strips, affine);
  check_launch("affine");
  const unsigned vectors = vectors_in(norm.pixels * norm.channels);
  apply_kernel<<<dim3(blocks_for(vectors), batch), kThreads, 0, stream>>>(norm, affine, vectors);
  check_launch("apply");
}

void add_with_bias(bf16* x, const bf16* other, const bf16* bias, std::int64_t rows,
                   std::int64_t channels, cudaStream_t stream) {
  const unsigned vectors = vectors_in(rows * channels);
  add_with_bias_kernel<<<blocks_for(vectors), kThreads, 0, stream>>>(
      x, other, bias, vectors, static_cast<unsigned>(channels / kWide));
  check_launch("add_with_bias");
}

}  // namespace pirouette::flux::cuda
