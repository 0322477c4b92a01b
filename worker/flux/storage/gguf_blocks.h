#pragma once
// GGUF's blocks of quantised numbers as plain ones (ggml's ggml-quants.c, dequantize_row_*): in
// float32 and in ggml's order of operations, so the same bits come out. Free of torch.

#include <span>

#include "worker/flux/storage/dtype.h"

namespace pirouette::flux {

// blocks: whole blocks of the dtype, which is one (is_block); out: as many numbers as they hold.
void dequantise(Dtype dtype, std::span<const std::uint8_t> blocks, std::span<float> out);

}  // namespace pirouette::flux
