#pragma once
// Rows of bfloat16 as e4m3 bytes with a scale each, in one pass: read once, kept in registers while
// the row's largest number is found, written once at half the size. What is between two products is
// done on the way: GELU, and attention's output and the MLP's beside each other.
//
// Throws std::runtime_error if the launch failed.

#include <cstdint>

#include "worker/flux/cuda/kernels.h"

namespace pirouette::flux::cuda {

inline constexpr std::int64_t kQuantiseWidthMax = 32768;

// A row is first's numbers as they are, then GELU (tanh's) of second's. Widths and strides are
// multiples of 8; either width may be 0.
struct QuantiseRows {
  std::uint8_t* bytes = nullptr;  // [rows, first_width + second_width]
  float* scales = nullptr;        // [rows]
  const bf16* first = nullptr;
  std::int64_t first_stride = 0, first_width = 0;
  const bf16* second = nullptr;
  std::int64_t second_stride = 0, second_width = 0;
  std::int64_t rows = 0;
};
void quantise_rows(const QuantiseRows& quantise, cudaStream_t stream);

}  // namespace pirouette::flux::cuda
