#pragma once
// What a LoRA's file says of itself, looked at without its tensors: enough to refuse at the door
// what no worker could read. Takes a safetensors file as it arrives, piece by piece, and keeps its
// header only. Whether the LoRA fits a model, the workers' engine says.

#include <cstdint>
#include <span>
#include <string>

#include "common/result.h"

namespace pirouette {

// A LoRA of every linear of FLUX.1 has some 1,500 tensors of 150 bytes each in its header.
inline constexpr std::uint64_t kLoraHeadMaxBytes = 16ull << 20;

class LoraHead {
 public:
  void add(std::span<const std::uint8_t> bytes);

  // Once all bytes came. invalid: it is no safetensors file, is cut off, or holds no LoRA; the text
  // says which and what to do.
  Result<void> check() const;

 private:
  std::string head_;  // the length, and the header as far as it came
  std::uint64_t file_bytes_ = 0;
};

}  // namespace pirouette
