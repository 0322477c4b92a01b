#pragma once
// A prompt as the transformer wants it: T5's tokens in order, and CLIP's one vector. Both encoders
// with their tokenizers. No state after loading: safe from several threads.

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"
#include "worker/flux/clip_encoder.h"
#include "worker/flux/lora.h"
#include "worker/flux/ops.h"
#include "worker/flux/storage/model_source.h"
#include "worker/flux/t5_encoder.h"
#include "worker/flux/tokenizers/clip_tokenizer.h"
#include "worker/flux/tokenizers/t5_tokenizer.h"

namespace pirouette::flux {

// As many T5 tokens as FLUX.1 was trained with, and the most it takes (BFL sampling.py).
inline constexpr int kSequenceLengthMax = 512;

struct TextEmbedding {
  Tensor sequence;  // [1, L, 4096] T5, padded; the pads are attended to
  Tensor pooled;    // [1, 768] CLIP
};

class TextEncoders {
 public:
  // dtype: what weights become whose stored dtype torch lacks. loras: their changes of CLIP are
  // merged in. streams_t5: its weights stay in the mapped file, and cross to the device in turn.
  // not_found, invalid or corrupt names the file.
  static Result<TextEncoders> load(const ModelSource& source, at::ScalarType dtype,
                                   at::Device device, const std::vector<ScaledLora>& loras = {},
                                   bool streams_t5 = false);

  // Of these weights instead of the files', for who trains them.
  static Result<TextEncoders> make(const ModelSource& source, Weights clip, Weights t5);

  // length: T5 tokens, 1 to kSequenceLengthMax. float32. invalid: tokenizer and encoder do not fit.
  Result<TextEmbedding> embed(std::string_view prompt, int length) const;
  // So many prompts at once: [B, L, C], [B, C].
  Result<TextEmbedding> embed_all(std::span<const std::string> prompts, int length) const;

  int64_t sequence_width() const { return t5_.width(); }
  int64_t pooled_width() const { return clip_.width(); }

 private:
  TextEncoders(ClipTokenizer clip_tokenizer, T5Tokenizer t5_tokenizer, ClipEncoder clip,
               T5Encoder t5)
      : clip_tokenizer_(std::move(clip_tokenizer)),
        t5_tokenizer_(std::move(t5_tokenizer)),
        clip_(std::move(clip)),
        t5_(std::move(t5)) {}

  ClipTokenizer clip_tokenizer_;
  T5Tokenizer t5_tokenizer_;
  ClipEncoder clip_;
  T5Encoder t5_;
};

}  // namespace pirouette::flux
