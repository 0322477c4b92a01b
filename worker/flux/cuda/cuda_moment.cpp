#include "worker/flux/cuda/cuda_moment.h"

#include <c10/core/DeviceGuard.h>
#include <cuda_runtime_api.h>

#include <stdexcept>

#include "worker/flux/cuda/launching.h"

namespace pirouette::flux::cuda {
namespace {

void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess)
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

class CudaMoment final : public Moment {
 public:
  explicit CudaMoment(at::Device device) : device_(device) {
    const c10::DeviceGuard guard(device_);
    check(cudaEventCreate(&event_), "making an event");
  }
  ~CudaMoment() override {
    if (event_ != nullptr) cudaEventDestroy(event_);
  }

  void mark() override {
    const c10::DeviceGuard guard(device_);
    check(cudaEventRecord(event_, current_stream(device_)), "marking a moment");
  }
  double seconds_since(const Moment& earlier) const override {
    const auto& other = dynamic_cast<const CudaMoment&>(earlier);
    float ms = 0;
    check(cudaEventSynchronize(event_), "waiting for a moment");
    check(cudaEventElapsedTime(&ms, other.event_, event_), "reading the device's clock");
    return static_cast<double>(ms) * 1e-3;
  }

 private:
  at::Device device_;
  cudaEvent_t event_ = nullptr;
};

}  // namespace

std::unique_ptr<Moment> make_cuda_moment(at::Device device) {
  return std::make_unique<CudaMoment>(device);
}

}  // namespace pirouette::flux::cuda
