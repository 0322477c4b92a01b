#pragma once
// What every launch ends with: a failure is thrown at once, with the kernel's name.

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>

namespace pirouette::flux::cuda {

inline void check_launch(const char* kernel) {
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess)
    throw std::runtime_error(std::string(kernel) + ": " + cudaGetErrorString(error));
}

}  // namespace pirouette::flux::cuda
