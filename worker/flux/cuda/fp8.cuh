// Eight numbers as e4m3 bytes, and the scale of a row: its largest number becomes 448. The same
// arithmetic as ../fp8.cpp, so that the same row gives the same bytes.

#pragma once

#include <cuda_fp8.h>

#include <cstdint>

#include "worker/flux/cuda/bf16.cuh"

namespace pirouette::flux::cuda {

constexpr float kFp8Max = 448.0f;
constexpr float kFp8SmallestPeak = 1e-30f;  // a row of zeros has a scale too

__device__ inline void store_fp8(std::uint8_t* to, const Wide& wide, float factor) {
  uint2 raw;
  auto* pairs = reinterpret_cast<__nv_fp8x2_storage_t*>(&raw);
#pragma unroll
  for (int i = 0; i < kWide / 2; ++i)
    pairs[i] =
        __nv_cvt_float2_to_fp8x2(make_float2(wide.at[2 * i] * factor, wide.at[2 * i + 1] * factor),
                                 __NV_SATFINITE, __NV_E4M3);
  *reinterpret_cast<uint2*>(to) = raw;
}

__device__ inline float peak_of(float peak, const Wide& wide) {
#pragma unroll
  for (int i = 0; i < kWide; ++i) peak = fmaxf(peak, fabsf(wide.at[i]));
  return peak;
}

// Over the block, whose threads are whole warps; scratch [32] is used once.
__device__ inline float peak_over_block(float peak, float* scratch) {
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
#pragma unroll
  for (int apart = kWarp / 2; apart > 0; apart /= 2)
    peak = fmaxf(peak, __shfl_xor_sync(kAllLanes, peak, apart));
  if (lane == 0) scratch[warp] = peak;
  __syncthreads();
  const int warps = (blockDim.x + kWarp - 1) / kWarp;
  peak = lane < warps ? scratch[lane] : 0.0f;
#pragma unroll
  for (int apart = kWarp / 2; apart > 0; apart /= 2)
    peak = fmaxf(peak, __shfl_xor_sync(kAllLanes, peak, apart));
  return fmaxf(peak, kFp8SmallestPeak);
}

}  // namespace pirouette::flux::cuda
