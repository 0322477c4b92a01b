#pragma once
// What lies between the matrix products, as one pass over memory each: bfloat16 in and out, float32
// inside, rounded once. Plain pointers and a stream, no torch: the callers (fast_transformer.h,
// fast_autoencoder.h) own the tensors and have checked shapes. Pointers and row strides are
// multiples of 16 bytes. Letters: B batch, L tokens, C width, H heads, D head width, P pixels.
//
// Every function throws std::runtime_error if the launch failed.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>

namespace pirouette::flux::cuda {

using bf16 = __nv_bfloat16;

// Widest row that norm_rows takes: 128 threads of 8 times 8 numbers.
inline constexpr std::int64_t kNormWidthMax = 8192;

// One stream's part of a modulation: rows [C] of each batch, batch_stride numbers apart.
struct SideModulation {
  const bf16* gate = nullptr;  // of the branch that is added
  const bf16* shift = nullptr;
  const bf16* scale = nullptr;
  std::int64_t gate_stride = 0;
  std::int64_t norm_stride = 0;  // of shift and scale
};

// Text tokens come first; they are modulated by txt, the others by img.
struct NormRows {
  bf16* x = nullptr;             // [B, L, C]; += gate * branch, unless there is no branch
  const bf16* branch = nullptr;  // [B, L, C]
  bf16* normed = nullptr;        // [B, L, C]: layer_norm(x) * (1 + scale) + shift; or none
  std::int64_t batch = 0, tokens = 0, text_tokens = 0, width = 0;
  SideModulation txt{}, img{};
  std::uint8_t* bytes = nullptr;  // [B, L, C]: the same as e4m3 with a scale a row, or none
  float* scales = nullptr;        // [B, L]
};
void norm_rows(const NormRows& rows, cudaStream_t stream);

// q and k of a joint qkv, normed and turned in place: x = rotate(rms_norm(x) * weight).
struct TurnHeads {
  bf16* qkv = nullptr;          // [B, L, row_stride], of which q and k are the first 2*H*D
  std::int64_t row_stride = 0;  // numbers
  const float* cos = nullptr;   // [L, D], each angle twice
  const float* sin = nullptr;
  const bf16 *txt_q = nullptr, *txt_k = nullptr;  // [D], of the first text_tokens
  const bf16 *img_q = nullptr, *img_k = nullptr;
  std::int64_t batch = 0, tokens = 0, text_tokens = 0, heads = 0, head_width = 0;
};
// head_width: 32, 64, 128 or 256.
void turn_heads(const TurnHeads& heads, cudaStream_t stream);

// to[row, 0..width) = from[row, 0..width), rows so many numbers apart.
void copy_rows(bf16* to, std::int64_t to_stride, const bf16* from, std::int64_t from_stride,
               std::int64_t rows, std::int64_t width, cudaStream_t stream);

// out [B, N] = x [B, K] weight^T [N, K] + bias [N]: few rows, where reading the weight is the cost.
// K is a multiple of 8.
void few_rows_product(bf16* out, const bf16* x, const bf16* weight, const bf16* bias,
                      std::int64_t batch, std::int64_t n, std::int64_t k, cudaStream_t stream);

// Channels last, so that a pixel's channels are neighbours.
struct GroupNormSilu {
  bf16* out = nullptr;           // [B, P, C]
  const bf16* x = nullptr;       // [B, P, C]
  const bf16* before = nullptr;  // [C] added to x first (a convolution's bias), or none
  const bf16 *weight = nullptr, *bias = nullptr;  // [C]
  std::int64_t batch = 0, pixels = 0, channels = 0, groups = 0;
  float eps = 0;
  bool silu = true;
  float* scratch = nullptr;  // group_norm_scratch() numbers
};
// channels: a multiple of 8 and of groups, at most 2048; groups at most 256.
std::int64_t group_norm_scratch(const GroupNormSilu& norm);
void group_norm_silu(const GroupNormSilu& norm, cudaStream_t stream);

// x += other + bias, over [rows, C]; bias may be none.
void add_with_bias(bf16* x, const bf16* other, const bf16* bias, std::int64_t rows,
                   std::int64_t channels, cudaStream_t stream);

}  // namespace pirouette::flux::cuda
