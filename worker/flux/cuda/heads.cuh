// What the passes over attention's heads share. kLanes threads hold one head, 8 numbers each.

#pragma once

#include "worker/flux/cuda/bf16.cuh"

namespace pirouette::flux::cuda {

constexpr float kNormEps = 1e-6f;

// 1 / rms(x), in every lane of the head.
template <int kLanes>
__device__ inline float norm_factor(const Wide& x) {
  float square = 0;
#pragma unroll
  for (int i = 0; i < kWide; ++i) square += x.at[i] * x.at[i];
  square = sum_over_lanes<kLanes>(square);
  return rsqrtf(square / (kLanes * kWide) + kNormEps);
}

// Each pair of neighbours turned by its angle.
__device__ inline Wide turned(const Wide& x, const Wide& cos, const Wide& sin) {
  Wide y;
#pragma unroll
  for (int i = 0; i < kWide; i += 2) {
    y.at[i] = x.at[i] * cos.at[i] - x.at[i + 1] * sin.at[i];
    y.at[i + 1] = x.at[i + 1] * cos.at[i + 1] + x.at[i] * sin.at[i + 1];
  }
  return y;
}

}  // namespace pirouette::flux::cuda
