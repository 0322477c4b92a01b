#pragma once
// A few examples of a dataset as tensors, all stretched to one size.

#include "worker/flux/ops.h"
#include "worker/flux/reference.h"
#include "worker/train/dataset.h"

namespace pirouette::train {

struct Batch {
  at::Tensor references, targets;  // [B, 3, H, W] float32 in -1..1, on the host
  std::vector<std::string> prompts;
};

// The examples first, first + 1, …; seed: of each one's own chances.
Result<Batch> draw_batch(const Dataset& dataset, std::uint64_t seed, std::uint64_t first,
                         std::uint64_t count, flux::Size size);

// Pictures [N, 3, H, W] in -1..1 side by side and below each other, so many in a row, 8 pixels of
// white between.
Image make_grid(const at::Tensor& pictures, std::int64_t columns);

}  // namespace pirouette::train
