#pragma once
// A LoRA of rank 32 trained on the full-size model: memory, time and what of that is floor.

#include <filesystem>

#include "tests/bench/gpu/step_bench.h"

namespace pirouette::flux::bench {

// 1024 x 1024 with a reference of the same, 512 text tokens, batch 1, gradients block by block, one
// batch over and over so that its loss must fall. tokenizers: as KontextFiles has them.
void measure_training(const std::filesystem::path& model, const std::filesystem::path& tokenizers,
                      const Ceilings& ceilings, at::Device device);

}  // namespace pirouette::flux::bench
