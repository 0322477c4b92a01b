#pragma once
// A few examples of a dataset side by side, all stretched to one size.

#include "worker/flux/ops.h"
#include "worker/flux/reference.h"
#include "worker/train/dataset.h"

namespace pirouette::train {

struct Batch {
  at::Tensor references, targets;  // [B, H, W, 3] bytes on the host
  at::Tensor masks;                // [B, H, W] bytes: not 0 where the example's mask is
  std::vector<std::string> prompts;
};

// Of so many examples, not drawn yet. pinned: in memory that a GPU copies from by itself.
Batch make_batch(std::uint64_t count, flux::Size size, bool pinned);

// Puts the index-th example of the dataset into that row; seed: of each one's own chances. Any
// number of threads, each on a row of its own.
Result<void> draw_row(const Dataset& dataset, std::uint64_t seed, std::uint64_t index, Batch& batch,
                      std::uint64_t row);

// The examples first, first + 1, …
Result<Batch> draw_batch(const Dataset& dataset, std::uint64_t seed, std::uint64_t first,
                         std::uint64_t count, flux::Size size);

// A batch's bytes as the models take them: [B, 3, H, W] in -1..1. Waits for nothing where they are
// pinned.
at::Tensor to_pictures(const at::Tensor& bytes, at::Device device, at::ScalarType dtype);

// Pictures [N, 3, H, W] in -1..1 side by side and below each other, so many in a row, 8 pixels of
// white between.
Image make_grid(const at::Tensor& pictures, std::int64_t columns);

}  // namespace pirouette::train
