#include "worker/flux/device.h"

#include <charconv>
#include <optional>

namespace pirouette::flux {
namespace {

// The number behind "cuda:"; none: it is no number.
std::optional<int> parse_index(const std::string& text) {
  int index = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, index);
  if (text.empty() || read.ec != std::errc() || read.ptr != end || index < 0) return std::nullopt;
  return index;
}

}  // namespace

#ifdef PIROUETTE_CUDA
int count_cuda_devices();  // cuda/device_cuda.cpp has this and all that device.h says
#else
std::string device_name(at::Device) { PIROUETTE_CHECK(false); }
bool has_float8(at::Device) { return false; }
DeviceMemory ask_memory(at::Device) { PIROUETTE_CHECK(false); }
void prepare(at::Device device) { PIROUETTE_CHECK(device.is_cpu()); }
void give_back_memory(at::Device device) { PIROUETTE_CHECK(device.is_cpu()); }

struct StepPace::Events {};
StepPace::StepPace(at::Device device) { PIROUETTE_CHECK(device.is_cpu()); }
StepPace::~StepPace() = default;
void StepPace::step_handed_out() {}
#endif

Result<at::Device> parse_device(const std::string& text) {
  if (text == "cpu") return at::Device(at::kCPU);
  const std::string name = "cuda";
  std::optional<int> index;
  if (text == name) index = 0;
  if (text.starts_with(name + ':')) index = parse_index(text.substr(name.size() + 1));
  if (!index)
    return Error{Errc::invalid,
                 "device \"" + text + "\" is none of cpu, cuda and cuda:0, cuda:1 …"};
#ifdef PIROUETTE_CUDA
  const int count = count_cuda_devices();
  if (*index >= count)
    return Error{Errc::invalid, "device \"" + text + "\" is not there: this machine shows " +
                                    std::to_string(count) +
                                    " CUDA devices; see nvidia-smi and CUDA_VISIBLE_DEVICES"};
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(*index));
#else
  return Error{Errc::invalid, "device \"" + text +
                                  "\": this worker is built without CUDA; build it with the preset "
                                  "cuda (docs/gpu.md), or take cpu"};
#endif
}

}  // namespace pirouette::flux
