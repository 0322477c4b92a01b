#pragma once
// The model that a training begins with, and how it is computed.

#include <filesystem>
#include <optional>

#include "worker/flux/ops.h"

namespace pirouette::train {

struct ModelOptions {
  std::filesystem::path path;  // in any layout of model_source.h
  std::optional<std::filesystem::path> tokenizers;
  at::ScalarType dtype = at::kFloat;  // or at::kBFloat16; float64 for tests
  at::Device device = at::kCPU;
  int sequence_length = 512;  // T5 tokens
};

}  // namespace pirouette::train
