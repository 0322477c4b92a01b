#pragma once
// A text embedding as bytes for a cache on disk, in the safetensors format, and back.

#include <cstdint>
#include <span>
#include <vector>

#include "common/result.h"
#include "worker/flux/text_encoders.h"

namespace pirouette::flux {

std::vector<std::uint8_t> format_text_embedding(const TextEmbedding& embedding);

// On the host; dtypes as stored, float32 or bfloat16. corrupt: not what was written.
Result<TextEmbedding> parse_text_embedding(std::span<const std::uint8_t> bytes);

}  // namespace pirouette::flux
