#pragma once
// One thing that can be trained, as the loop sees it: it computes gradients, shows what it can, and
// writes itself down. What it computes in a micro-batch depends on that batch's number alone.

#include <filesystem>

#include "common/image/image.h"
#include "common/result.h"
#include "worker/train/parameters.h"

namespace pirouette::train {

class Task {
 public:
  virtual ~Task() = default;

  virtual Parameters& parameters() = 0;

  // Leaves the gradients of the number-th micro-batch (from 0) in the leaves; its mean loss, a
  // scalar on the device: who reads it waits for the device.
  virtual Result<Tensor> learn(std::uint64_t number) = 0;

  // Pictures of what the model does now, with what is published.
  virtual Result<Image> show() = 0;

  // learnt: by the parameters' names. Written as whoever uses it reads it.
  virtual Result<void> save(const std::filesystem::path& folder, const Tensors& learnt) = 0;
};

}  // namespace pirouette::train
