#pragma once
// From the host to a device without waiting for what the device still has to do: an ordinary copy
// waits for all of it, and a training would stand still in every step.

#include "worker/flux/ops.h"

namespace pirouette::flux {

inline Tensor to_device(const Tensor& host, at::Device device) {
  if (!device.is_cuda() || !host.device().is_cpu()) return host.to(device);
  return host.pin_memory().to(device, /*non_blocking=*/true);
}

}  // namespace pirouette::flux
