#include "worker/flux/cuda/host_copies.h"

#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <cuda_runtime_api.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

#include "worker/flux/cuda/launching.h"

namespace pirouette::flux::cuda {
namespace {

// Two of them: one is filled while the other is sent. Large enough that sending (1.2 ms at 55 GB/s)
// hides the starting of threads.
constexpr std::size_t kStageBytes = std::size_t{64} << 20;
constexpr int64_t kGrainBytes = int64_t{1} << 20;  // what a thread copies at a time
constexpr std::size_t kAlignBytes = 256;

void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess)
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

// A mapped file's pages are asked for together: one by one, a fault each is most of the time.
void copy_by_many(char* to, const char* from, std::size_t bytes) {
  constexpr std::uintptr_t kPage = 4096;
  at::parallel_for(0, static_cast<int64_t>(bytes), kGrainBytes, [&](int64_t begin, int64_t end) {
    const auto count = static_cast<std::size_t>(end - begin);
    const auto first = reinterpret_cast<std::uintptr_t>(from + begin) / kPage * kPage;
    const std::uintptr_t last = reinterpret_cast<std::uintptr_t>(from + begin) + count;
    ::madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_READ);  // or it is slower
    std::memcpy(to + begin, from + begin, count);
  });
}

class Stages {
 public:
  explicit Stages(at::Device device) : stream_(current_stream(device)) {
    for (Stage& stage : stages_) {
      check(cudaMallocHost(&stage.bytes, kStageBytes), "page-locked memory");
      check(cudaEventCreateWithFlags(&stage.sent, cudaEventDisableTiming), "an event");
    }
  }
  ~Stages() {
    cudaStreamSynchronize(stream_);
    for (const Stage& stage : stages_) {
      if (stage.sent != nullptr) cudaEventDestroy(stage.sent);
      if (stage.bytes != nullptr) cudaFreeHost(stage.bytes);
    }
  }
  Stages(const Stages&) = delete;
  Stages& operator=(const Stages&) = delete;

  void send(void* to, const void* from, std::size_t bytes) {
    for (std::size_t at = 0; at < bytes; at += kStageBytes) {
      Stage& stage = stages_[next_];
      next_ = 1 - next_;
      const std::size_t now = std::min(kStageBytes, bytes - at);
      check(cudaEventSynchronize(stage.sent), "waiting for a copy to the device");
      copy_by_many(static_cast<char*>(stage.bytes), static_cast<const char*>(from) + at, now);
      check(cudaMemcpyAsync(static_cast<char*>(to) + at, stage.bytes, now, cudaMemcpyHostToDevice,
                            stream_),
            "copying to the device");
      check(cudaEventRecord(stage.sent, stream_), "marking a copy");
    }
  }

 private:
  struct Stage {
    void* bytes = nullptr;
    cudaEvent_t sent = nullptr;
  };
  cudaStream_t stream_;
  std::array<Stage, 2> stages_;
  std::size_t next_ = 0;
};

// One stretch of page-locked memory.
class Pinned {
 public:
  explicit Pinned(std::size_t bytes) : bytes_(bytes) {
    begin_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (begin_ == MAP_FAILED) throw std::bad_alloc();
    ::madvise(begin_, bytes, MADV_HUGEPAGE);  // 500 times fewer pages to lock
  }
  ~Pinned() {
    if (is_locked_) cudaHostUnregister(begin_);
    ::munmap(begin_, bytes_);
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  char* at(std::size_t offset) const { return static_cast<char*>(begin_) + offset; }
  // Once it is filled: pages that are there are locked faster.
  void lock() {
    check(cudaHostRegister(begin_, bytes_, cudaHostRegisterDefault), "locking host memory");
    is_locked_ = true;
  }

 private:
  void* begin_;
  std::size_t bytes_;
  bool is_locked_ = false;
};

at::ScalarType type_of(const Tensor& tensor, at::ScalarType dtype) {
  return tensor.is_floating_point() ? dtype : tensor.scalar_type();
}

std::size_t room_for(const Tensor& tensor, at::ScalarType dtype) {
  const std::size_t bytes =
      static_cast<std::size_t>(tensor.numel()) * c10::elementSize(type_of(tensor, dtype));
  return (bytes + kAlignBytes - 1) / kAlignBytes * kAlignBytes;
}

}  // namespace

Tensors move_to_device(Tensors tensors, at::ScalarType dtype, at::Device device) {
  const c10::DeviceGuard guard(device);
  Stages stages(device);
  for (auto& [name, tensor] : tensors) {
    const at::ScalarType type = type_of(tensor, dtype);
    if (!tensor.is_cpu() || tensor.scalar_type() != type || !tensor.is_contiguous()) {
      tensor = tensor.to(device, type);
      continue;
    }
    const Tensor there = at::empty(tensor.sizes(), tensor.options().device(device));
    stages.send(there.data_ptr(), tensor.data_ptr(), tensor.nbytes());
    tensor = there;
  }
  return tensors;
}

Tensors copy_to_pinned(const Tensors& tensors, at::ScalarType dtype) {
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += room_for(tensor, dtype);
  const auto memory = std::make_shared<Pinned>(std::max(bytes, kAlignBytes));
  Tensors copies;
  std::size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    Tensor copy = at::from_blob(
        memory->at(offset), tensor.sizes(), [memory](void*) {},
        at::TensorOptions().dtype(type_of(tensor, dtype)));
    if (copy.scalar_type() == tensor.scalar_type() && tensor.is_cpu() && tensor.is_contiguous())
      copy_by_many(memory->at(offset), static_cast<const char*>(tensor.data_ptr()),
                   tensor.nbytes());
    else
      copy.copy_(tensor);
    offset += room_for(tensor, dtype);
    copies.emplace(name, std::move(copy));
  }
  memory->lock();
  return copies;
}

}  // namespace pirouette::flux::cuda
