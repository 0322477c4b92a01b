#pragma once
// The device that tensors lie on: named on the command line, asked for its memory, made ready once.
// The only place outside cuda/ that knows whether this program was built with CUDA.

#include <cstdint>
#include <memory>
#include <string>

#include "common/result.h"
#include "worker/flux/ops.h"

namespace pirouette::flux {

// "cpu", "cuda" (the first) or "cuda:1". invalid: another text, or no such device here.
Result<at::Device> parse_device(const std::string& text);

// For people: "NVIDIA H200". Not of the CPU.
std::string device_name(at::Device device);

// Float8 products (fp8.h): cards of compute capability 8.9 and newer, where this torch or cuBLAS
// has them. One is tried. Not the CPU, which widens.
bool has_float8(at::Device device);

struct DeviceMemory {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
};
// Not of the CPU: host_memory.h knows that.
DeviceMemory ask_memory(at::Device device);

// Before anything is computed there: an allocator that does not fragment over a night, float32 that
// is float32, the fastest convolutions. Nothing for the CPU.
void prepare(at::Device device);

// What the allocator keeps without need goes back to the device. Nothing for the CPU.
void give_back_memory(at::Device device);

// Keeps the host one step ahead of a device that works behind it, so that progress is true, a stop
// is soon, and the device never waits. Nothing for the CPU.
class StepPace {
 public:
  explicit StepPace(at::Device device);
  ~StepPace();
  StepPace(const StepPace&) = delete;
  StepPace& operator=(const StepPace&) = delete;
  // After a step's work was handed out: waits until the step before it is done.
  void step_handed_out();

 private:
  struct Events;
  std::unique_ptr<Events> events_;  // none on the CPU
};

}  // namespace pirouette::flux
