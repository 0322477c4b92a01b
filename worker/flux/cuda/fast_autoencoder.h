#pragma once
// The autoencoder's parts in bfloat16 on a CUDA device, channels last: group norm and SiLU are one
// pass (after the one that sums), a convolution's bias is added by the pass that reads its output,
// and attention over all cells keeps its scores in float32, some rows of them at a time.

#include "worker/flux/autoencoder.h"

namespace pirouette::flux::cuda {

// bfloat16 on CUDA, no gradient wanted (the kernels know none), with channels that the kernels take.
bool is_fast(const Tensor& x, const GroupNorm& norm);

// silu(norm(x + before)); before [C] or undefined.
Tensor norm_silu(const GroupNorm& norm, const Tensor& x, const Tensor& before = {},
                 bool silu = true);

Tensor run(const ResnetBlock& block, const Tensor& x);
Tensor run(const AttentionBlock& block, const Tensor& x);

}  // namespace pirouette::flux::cuda
