#pragma once
// CLIP's text encoder, of which FLUX.1 takes the pooled vector: the state at the text's end token
// (transformers: models/clip/modeling_clip.py, CLIPTextModel). No state: safe from several threads.
//
// Letters: L tokens, C width, H heads, D head width.

#include <cstdint>
#include <span>
#include <vector>

#include "common/result.h"
#include "worker/flux/checkpoint.h"
#include "worker/flux/ops.h"

namespace pirouette::flux {

struct LayerNorm {
  Tensor weight, bias;  // [C]
};

struct ClipLayer {
  LayerNorm norm1, norm2;
  Linear q, k, v, out;  // [C, C]
  Linear fc1, fc2;      // [4C, C], [C, 4C]
};

class ClipEncoder {
 public:
  struct Output {
    Tensor hidden;  // [B, L, C] float32
    Tensor pooled;  // [B, C] float32
  };

  // Names as in transformers' text_encoder/ folder. heads: CLIP-L has 12; a checkpoint's shapes do
  // not tell. invalid or not_found names the tensor.
  static Result<ClipEncoder> load(Weights weights, int64_t heads);

  // ids: of one text, at most as many as the model has positions; end_id: the first of these ends
  // the text. invalid: an id is beyond the vocabulary (another model's tokenizer).
  Result<Output> encode(std::span<const std::int64_t> ids, std::int64_t end_id) const;
  // Of B texts of one length at once.
  Result<Output> encode_all(std::span<const std::vector<std::int64_t>> texts,
                            std::int64_t end_id) const;

  int64_t width() const { return token_embedding_.size(1); }

 private:
  ClipEncoder() = default;
  Tensor run_layer(const ClipLayer& layer, const Tensor& x, const Tensor& mask) const;

  int64_t heads_ = 0;
  Tensor token_embedding_;     // [vocabulary, C]
  Tensor position_embedding_;  // [positions, C]
  std::vector<ClipLayer> layers_;
  LayerNorm final_norm_;
};

}  // namespace pirouette::flux
