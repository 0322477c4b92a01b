// What device.h says, for CUDA.

#include <ATen/Context.h>
#include <c10/core/DeviceGuard.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <cuda_runtime_api.h>

#include <array>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "worker/flux/cuda/fp8_product.h"
#include "worker/flux/cuda/launching.h"
#include "worker/flux/device.h"
#include "worker/flux/fp8.h"

namespace pirouette::flux {
namespace {

void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess)
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

// Cards of this kind have them, but not every torch has one with a scale a row for every card: one
// is tried.
bool has_fp8_product(at::Device device) {
  constexpr int64_t kSide = 512;
  const c10::DeviceGuard guard(device);
  const at::NoGradGuard no_grad;
  try {
    const Tensor rows =
        at::ones({kSide, kSide}, at::TensorOptions().dtype(at::kBFloat16).device(device));
    const Fp8Rows quantised = quantise_rows(rows);
    Linear linear{quantised.bytes, rows[0]};
    linear.scales = quantised.scales;
    cuda::multiply_into(at::empty_like(rows), quantised, linear);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace

int count_cuda_devices() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

std::string device_name(at::Device device) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device.index()), "asking the device for its name");
  return properties.name;
}

bool has_float8(at::Device device) {
  if (!device.is_cuda()) return false;
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device.index()), "asking the device what it can do");
  if (properties.major * 10 + properties.minor < 89) return false;
  const bool has = has_fp8_product(device);
  give_back_memory(device);
  return has;
}

DeviceMemory ask_memory(at::Device device) {
  const c10::DeviceGuard guard(device);
  std::size_t free_bytes = 0, total_bytes = 0;
  check(cudaMemGetInfo(&free_bytes, &total_bytes), "asking the device for its memory");
  return {total_bytes, free_bytes};
}

// The allocator reads its settings when it is first used; what the admin set stays.
void prepare(at::Device device) {
  if (!device.is_cuda()) return;
  ::setenv("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True", /*overwrite=*/0);
  at::globalContext().setAllowTF32CuBLAS(false);
  at::globalContext().setAllowTF32CuDNN(false);
  at::globalContext().setBenchmarkCuDNN(true);
}

void give_back_memory(at::Device device) {
  if (device.is_cuda()) c10::cuda::CUDACachingAllocator::emptyCache();
}

struct StepPace::Events {
  at::Device device;
  std::array<cudaEvent_t, 2> done{};
  int handed_out = 0;
};

StepPace::StepPace(at::Device device) {
  if (!device.is_cuda()) return;
  const c10::DeviceGuard guard(device);
  events_ = std::make_unique<Events>(Events{device, {}, 0});
  for (cudaEvent_t& event : events_->done)
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync),
          "making an event");
}

StepPace::~StepPace() {
  if (!events_) return;
  for (cudaEvent_t event : events_->done)
    if (event != nullptr) cudaEventDestroy(event);
}

void StepPace::step_handed_out() {
  if (!events_) return;
  const c10::DeviceGuard guard(events_->device);
  const auto now = static_cast<std::size_t>(events_->handed_out++ % 2);
  check(cudaEventRecord(events_->done[now], cuda::current_stream(events_->device)),
        "marking a step");
  if (events_->handed_out > 1)
    check(cudaEventSynchronize(events_->done[1 - now]), "waiting for a step");
}

}  // namespace pirouette::flux
