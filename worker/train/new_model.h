#pragma once
// A new Kontext with random weights, written in diffusers' layout from the few numbers that its
// config.json files have. What is not in the layout of a published FLUX.1 is only its size:
//
//   {"transformer": {"num_layers": 4, "num_single_layers": 8, "num_attention_heads": 6,
//                    "attention_head_dim": 64, "axes_dims_rope": [8, 28, 28],
//                    "guidance_embeds": false},
//    "vae": {"block_out_channels": [32, 64, 96, 96], "layers_per_block": 1, "latent_channels": 16,
//             "norm_num_groups": 4},
//    "text_encoder": {"hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 2,
//                     "num_attention_heads": 2, "vocab_size": 49408},
//    "text_encoder_2": {"d_model": 128, "d_ff": 256, "d_kv": 32, "num_heads": 4, "num_layers": 2,
//                       "vocab_size": 32128},
//    "scheduler": {"base_shift": 0.5, "max_shift": 1.15}}
//
// It begins as such models do: DiT's gates and its last layer at zero, so that every block is at
// first the identity; the encoders as transformers begins them; convolutions as PyTorch's.

#include <cstdint>
#include <filesystem>

#include "common/result.h"

namespace pirouette::train {

// tokenizers: a folder with tokenizer/ and tokenizer_2/, which are copied. invalid or corrupt names
// the number that is missing or cannot be.
Result<void> write_new_model(const std::filesystem::path& dimensions,
                             const std::filesystem::path& tokenizers,
                             const std::filesystem::path& folder, std::uint64_t seed);

}  // namespace pirouette::train
