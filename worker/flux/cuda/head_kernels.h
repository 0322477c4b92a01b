#pragma once
// Attention's heads out of a product's rows, and their gradients back into such rows: each is one
// pass over memory where plain operations take forty. bfloat16 in and out, float32 inside. Plain
// pointers, no torch: the caller (turned_heads.h) owns the tensors and has checked shapes. All
// pointers and strides are multiples of 16 bytes. Letters: B batch, L tokens, H heads, D head
// width.
//
// Every function throws std::runtime_error if the launch failed.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>

namespace pirouette::flux::cuda {

// Gradients of [B, L, H, D], whose D are neighbours; strides are numbers.
struct HeadGradients {
  const __nv_bfloat16* first = nullptr;
  std::int64_t batch_stride = 0, token_stride = 0, head_stride = 0;
};

// Of one stream. row: q, k and v of all heads, one after the other; rows lie row_stride apart.
struct Heads {
  const __nv_bfloat16* rows = nullptr;                             // [B * L, 3*H*D]
  std::int64_t row_stride = 0;                                     // numbers
  const __nv_bfloat16 *query_norm = nullptr, *key_norm = nullptr;  // [D]
  const float *cos = nullptr, *sin = nullptr;                      // [L, D], each angle twice
  std::int64_t batch = 0, tokens = 0, heads = 0, head_width = 0;
};

// q, k [B, L, H, D] = rotate(rms_norm(x) * weight) of those in the rows.
void turn(const Heads& heads, __nv_bfloat16* q, __nv_bfloat16* k, cudaStream_t stream);

// The way back, from the gradients of turned q and k, and of v as it lay.
struct HeadsBack {
  Heads of;
  HeadGradients q, k, v;
  __nv_bfloat16* rows = nullptr;  // [B * L, 3*H*D]: the gradients of the rows
  float* norms = nullptr;  // [kBackBlocks, 2, D]: parts of those of query_norm and of key_norm
};
inline constexpr std::int64_t kBackBlocks = 1024;  // several for each of a GPU's processors
void turn_back(const HeadsBack& back, cudaStream_t stream);

}  // namespace pirouette::flux::cuda
