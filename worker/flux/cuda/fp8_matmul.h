#pragma once
// matmul.h's product for float8: both sides e4m3 with a float32 scale a row, bfloat16 out, bias in
// the product's last pass. cuBLASLt of CUDA 12.9 or newer; an older one throws.
//
// Safe from several threads. Throws std::runtime_error that names the shape.

#include "worker/flux/cuda/matmul.h"

namespace pirouette::flux::cuda {

// out [rows, columns] = (x · its row's scale) (weight · its row's scale)^T + bias. columns and
// inner are multiples of 16, strides too.
struct Fp8Matmul {
  const void* x = nullptr;  // [rows, inner] bytes
  const float* x_scales = nullptr;
  const void* weight = nullptr;  // [columns, inner] bytes
  const float* weight_scales = nullptr;
  const void* bias = nullptr;  // bfloat16, or none
  void* out = nullptr;         // bfloat16
  std::int64_t rows = 0, columns = 0, inner = 0;
  std::int64_t x_stride = 0, weight_stride = 0, out_stride = 0;
};
// false: cuBLASLt has no product of this shape, and nothing was done. It has none of few rows and a
// large inner: not of 37 rows of 15,360 (measured, CUDA 13 on an H100), nor of up to 256 rows of
// 9,216 (pytorch/ao, issue 4582).
bool multiply(const Fp8Matmul& matmul, void* workspace, cudaStream_t stream);
// Whether it would; memory is not looked at, but for how it is aligned.
bool has_product(const Fp8Matmul& matmul);
// This cuBLASLt, on the current device: NVIDIA has scales a row for Hopper only.
bool knows_row_scales();

std::vector<Proposal> time_proposals(const Fp8Matmul& matmul, int most, void* workspace,
                                     cudaStream_t stream);

}  // namespace pirouette::flux::cuda
