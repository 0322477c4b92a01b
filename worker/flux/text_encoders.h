#pragma once
// A prompt as the transformer wants it: T5's tokens in order, and CLIP's one vector. Both encoders
// with their tokenizers, as a diffusers folder holds them. No state after loading: safe from
// several threads.

#include <filesystem>
#include <optional>
#include <string_view>

#include "common/result.h"
#include "worker/flux/ops.h"

namespace pirouette::flux {

// As many T5 tokens as FLUX.1 was trained with, and the most it takes (BFL sampling.py).
inline constexpr int kSequenceLengthMax = 512;

struct TextEmbedding {
  Tensor sequence;  // [1, L, 4096] T5, padded; the pads are attended to
  Tensor pooled;    // [1, 768] CLIP
};

class TextEncoders {
 public:
  // model: the folder with text_encoder/ (CLIP) and text_encoder_2/ (T5); tokenizers: the one with
  // tokenizer/ and tokenizer_2/.
  static Result<TextEncoders> load(const std::filesystem::path& model,
                                   const std::filesystem::path& tokenizers, at::ScalarType dtype,
                                   at::Device device);

  // length: T5 tokens, 1 to kSequenceLengthMax.
  TextEmbedding embed(std::string_view prompt, int length) const;
};

}  // namespace pirouette::flux
