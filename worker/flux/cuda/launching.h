#pragma once
// Between ATen and the kernels: raw addresses, the current stream, and products on views of
// tensors.

#include "worker/flux/cuda/kernels.h"
#include "worker/flux/cuda/matmul.h"
#include "worker/flux/ops.h"

namespace pirouette::flux::cuda {

inline bf16* address(const Tensor& tensor) { return static_cast<bf16*>(tensor.data_ptr()); }

// Where ATen's own operations of this thread go.
cudaStream_t current_stream(at::Device device);

// out = act(x W^T + b) * factor, for x [rows, in] and out [rows, out] whose rows may lie apart.
struct Product {
  bool gelu = false;
  double factor = 1.0;
};
// describe_product: what multiply_into hands to cuBLASLt.
Matmul describe_product(const Tensor& out, const Tensor& x, const Linear& linear,
                        const Product& product = {});
Tensor matmul_workspace(at::Device device);
void multiply_into(const Tensor& out, const Tensor& x, const Linear& linear,
                   const Product& product = {});

}  // namespace pirouette::flux::cuda
