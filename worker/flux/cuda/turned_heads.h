#pragma once
// Attention's heads with a gradient, for training in bfloat16 (and for passes without one that
// fast_transformer.h does not take): normed and turned in one pass, and back in one.

#include <array>

#include "worker/flux/ops.h"

namespace pirouette::flux::cuda {

// bfloat16 on CUDA, a head width that the kernels take, and no PlainOnly.
bool can_turn_heads(const Tensor& qkv, int64_t heads, const Tensor& query_norm);

// qkv [B, L, 3*H*D] of one stream -> q, k, v [B, L, H, D], q and k normed and turned. cos and sin
// [L, D] are float32.
std::array<Tensor, 3> turned_heads(const Tensor& qkv, int64_t heads, const Tensor& query_norm,
                                   const Tensor& key_norm, const Tensor& cos, const Tensor& sin);

}  // namespace pirouette::flux::cuda
