// Eight bfloat16 numbers at a time: 16 bytes, the widest load a thread has. Arithmetic is float32.

#pragma once

#include <cuda_bf16.h>

namespace pirouette::flux::cuda {

constexpr int kWide = 8;
constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xffffffffu;

struct Wide {
  float at[kWide];
};

__device__ inline Wide widen(const uint4& raw) {
  const auto* pairs = reinterpret_cast<const __nv_bfloat162*>(&raw);
  Wide wide;
#pragma unroll
  for (int i = 0; i < kWide / 2; ++i) {
    const float2 pair = __bfloat1622float2(pairs[i]);
    wide.at[2 * i] = pair.x;
    wide.at[2 * i + 1] = pair.y;
  }
  return wide;
}

__device__ inline Wide load(const __nv_bfloat16* from) {
  return widen(*reinterpret_cast<const uint4*>(from));
}

__device__ inline Wide load(const float* from) {
  const float4 low = *reinterpret_cast<const float4*>(from);
  const float4 high = *reinterpret_cast<const float4*>(from + 4);
  return {{low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w}};
}

__device__ inline void store(__nv_bfloat16* to, const Wide& wide) {
  uint4 raw;
  auto* pairs = reinterpret_cast<__nv_bfloat162*>(&raw);
#pragma unroll
  for (int i = 0; i < kWide / 2; ++i)
    pairs[i] = __floats2bfloat162_rn(wide.at[2 * i], wide.at[2 * i + 1]);
  *reinterpret_cast<uint4*>(to) = raw;
}

__device__ inline float rounded(float x) { return __bfloat162float(__float2bfloat16_rn(x)); }

// The sum over so many neighbouring lanes, in each of them; a power of two.
template <int kLanes>
__device__ inline float sum_over_lanes(float x) {
#pragma unroll
  for (int apart = kLanes / 2; apart > 0; apart /= 2) x += __shfl_xor_sync(kAllLanes, x, apart);
  return x;
}

}  // namespace pirouette::flux::cuda
