#pragma once
// FLUX.1 Kontext at its true size with random weights, made on the device and written as a ComfyUI
// models/ folder; and a LoRA of rank 32 over all 494 modules. The text encoders are small ones of
// the right widths: what they say is cached in a farm, and no part of a rendering's time.

#include <cstdint>
#include <filesystem>

#include "common/result.h"
#include "worker/flux/ops.h"

namespace pirouette::flux::bench {

// tokenizers: a folder with tokenizer/ and tokenizer_2/ and their text_encoder/ and
// text_encoder_2/.
Result<void> write_full_size_model(const std::filesystem::path& folder,
                                   const std::filesystem::path& tokenizers, at::Device device);

Result<void> write_full_size_lora(const std::filesystem::path& file, int64_t rank,
                                  at::Device device);

inline constexpr int kLoraModules = 494;

}  // namespace pirouette::flux::bench
