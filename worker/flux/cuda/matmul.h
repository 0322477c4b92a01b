#pragma once
// One matrix product through cuBLASLt, with what ATen's products cannot have at once: rows that lie
// apart in memory (a part of a wider buffer), the bias and GELU in the product's own last pass. No
// torch: the caller brings workspace and stream. The algorithm for each shape is one of
// cuBLASLt's proposals, always the same one (never timed at run time), so that the same input gives
// the same bits on every worker.
//
// Safe from several threads. Throws std::runtime_error that names the shape.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace pirouette::flux::cuda {

// What NVIDIA recommends for Hopper is 32 MiB.
inline constexpr std::size_t kMatmulWorkspaceBytes = std::size_t{32} << 20;

// out [rows, columns] = act(x [rows, inner] weight^T [columns, inner] + bias [columns]), bfloat16.
// Rows of x and out lie x_stride and out_stride numbers apart; weight's weight_stride.
struct Matmul {
  const void* x = nullptr;
  const void* weight = nullptr;
  const void* bias = nullptr;  // or none
  void* out = nullptr;
  std::int64_t rows = 0, columns = 0, inner = 0;
  std::int64_t x_stride = 0, weight_stride = 0, out_stride = 0;
  bool gelu = false;       // tanh's; needs a bias
  bool float_out = false;  // out is float32; no bias then
  float factor = 1.0f;     // of the product
};
void multiply(const Matmul& matmul, void* workspace, cudaStream_t stream);

// What cuBLASLt proposes for a product, in its order, and how fast each is here: for benches.
struct Proposal {
  double ms = 0;
  std::string what;  // its tile, cluster, … by cuBLASLt's numbers
};
std::vector<Proposal> time_proposals(const Matmul& matmul, int most, void* workspace,
                                     cudaStream_t stream);

}  // namespace pirouette::flux::cuda
