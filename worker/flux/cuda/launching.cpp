#include "worker/flux/cuda/launching.h"

#include <c10/cuda/CUDAStream.h>

#include "common/result.h"

namespace pirouette::flux::cuda {

cudaStream_t current_stream(at::Device device) {
  return c10::cuda::getCurrentCUDAStream(device.index()).stream();
}

Matmul describe_product(const Tensor& out, const Tensor& x, const Linear& linear,
                        const Product& product) {
  const Tensor& weight = linear.weight;
  PIROUETTE_CHECK(out.dim() == 2 && x.dim() == 2 && weight.dim() == 2);
  PIROUETTE_CHECK(out.stride(1) == 1 && x.stride(1) == 1 && weight.stride(1) == 1);
  PIROUETTE_CHECK(x.size(1) == weight.size(1) && out.size(1) == weight.size(0));
  PIROUETTE_CHECK(x.size(0) == out.size(0));
  Matmul matmul;
  matmul.x = x.data_ptr();
  matmul.weight = weight.data_ptr();
  matmul.bias = linear.bias.defined() ? linear.bias.data_ptr() : nullptr;
  matmul.out = out.data_ptr();
  matmul.rows = x.size(0);
  matmul.columns = weight.size(0);
  matmul.inner = x.size(1);
  matmul.x_stride = x.stride(0);
  matmul.weight_stride = weight.stride(0);
  matmul.out_stride = out.stride(0);
  matmul.gelu = product.gelu;
  matmul.float_out = out.scalar_type() == at::kFloat;
  matmul.factor = static_cast<float>(product.factor);
  return matmul;
}

// Of the allocator's cache: given back at once, and used by later work of the same stream only.
Tensor matmul_workspace(at::Device device) {
  return at::empty({static_cast<int64_t>(kMatmulWorkspaceBytes)},
                   at::TensorOptions().dtype(at::kByte).device(device));
}

void multiply_into(const Tensor& out, const Tensor& x, const Linear& linear,
                   const Product& product) {
  const Tensor workspace = matmul_workspace(x.device());
  multiply(describe_product(out, x, linear, product), workspace.data_ptr(),
           current_stream(x.device()));
}

}  // namespace pirouette::flux::cuda
