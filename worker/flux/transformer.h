#pragma once
// The FLUX.1 transformer: image and text tokens side by side through double blocks, then joined
// through single blocks (black-forest-labs/flux: src/flux/model.py, modules/layers.py). Plain
// structs of weights whose names are the checkpoint's; LoRA is merged before they get here, so the
// model never knows (one that is trained hangs on its linears instead). Sizes are read from the
// weights. No state: safe from several threads.
//
// Letters: B batch, Li image tokens (noise, then reference), Lt text tokens, L = Lt + Li,
// C hidden width, H heads, D head width.

#include <vector>

#include "common/result.h"
#include "worker/flux/checkpoint.h"
#include "worker/flux/ops.h"
#include "worker/flux/storage/model_numbers.h"

namespace pirouette::flux {

// Rotary embedding of L tokens: float32 [L, D], each angle twice (for a pair of neighbours).
struct Rope {
  Tensor cos, sin;
};

// ids [L, 3], any dtype. Angles in float64, as the reference computes them; theta is 10,000.
Rope make_rope(const Tensor& ids, const RopeAxes& axes);

// One stream (image or text) of a double block.
struct Stream {
  Linear mod, qkv, proj, mlp_in, mlp_out;
  Tensor query_norm, key_norm;  // [D]
};

struct DoubleBlock {
  Stream img, txt;
};

struct SingleBlock {
  Linear modulation, linear1, linear2;
  Tensor query_norm, key_norm;  // [D]
};

// linear, SiLU, linear.
struct Embedder {
  Linear in_layer, out_layer;
  Tensor operator()(const Tensor& x) const;
};

// What the blocks are told of time, guidance and text, for several steps at once: reading the
// weights that make it of one step takes as long as of all.
struct Conditions {
  std::vector<Tensor> modulations;  // of each block in turn, [steps, n]; none: made in each pass
};

// What flows from block to block. From the first single block on, img is all tokens, text first
// (after the last one those that are wanted), and txt is undefined.
struct Tokens {
  Tensor img, txt;  // [B, Li, C], [B, Lt, C]
};

// Some of the tokens; as it is made, all.
struct TokenRange {
  int64_t begin = 0, end = -1;
  Tensor of(const Tensor& x) const;  // [B, L, …] -> [B, end - begin, …]
};

// Keys and values of the reference's tokens in every block, as one step left them
// (common/job/step_cache.h). In a form of the pass's own.
struct KeptReference {
  bool is_read = false;    // by a pass without reference tokens; else a pass with them writes
  int64_t tokens = 0;      // the last of the image tokens
  std::vector<Tensor> of;  // of each block in turn
};

struct TransformerInput {
  Tensor img;           // [B, Li, 64] packed latents
  Tensor txt;           // [B, Lt, 4096] T5
  Tensor pooled;        // [B, 768] CLIP
  Tensor timestep;      // [B] sigma in 0..1, in the model's dtype: the reference rounds it there
  Tensor guidance;      // [B]; ignored by a model without guidance
  Rope rope;            // of text tokens, then image tokens
  int64_t wanted = -1;  // of the image tokens, from the first: how many velocities; -1 for all
  const Conditions* conditions = nullptr;  // of a picture's steps, and which of them this is
  int64_t step = 0;
  KeptReference* kept = nullptr;  // of batch 1
};

class Transformer {
 public:
  // Canonical names (diffusers_layout.h renames others). invalid or not_found names the tensor.
  static Result<Transformer> load(Weights weights, const RopeAxes& axes);

  // The velocity of every image token that is wanted: [B, Li, 64] -> [B, wanted, 64].
  Tensor operator()(const TransformerInput& input) const;

  // For a picture's steps, from their timesteps [steps], guidance [1] and pooled text [1, 768].
  Conditions conditions(const TransformerInput& input) const;

  // The same block by block, for who needs what is between them (a trainer keeps the blocks'
  // inputs, and runs each again for its gradient).
  Tensor condition(const TransformerInput& input) const;  // vec [B, C]
  Tokens embed(const TransformerInput& input) const;
  std::size_t blocks() const { return double_blocks_.size() + single_blocks_.size(); }
  Tokens run_block(std::size_t index, Tokens tokens, const Tensor& vec,
                   const TransformerInput& input) const;
  Tensor velocity(const Tokens& tokens, const Tensor& vec) const;  // of the last block's

  int64_t width() const { return img_in_.weight.size(0); }
  int64_t in_channels() const { return img_in_.weight.size(1); }
  int64_t out_channels() const { return final_linear_.weight.size(0); }
  int64_t text_channels() const { return txt_in_.weight.size(1); }
  int64_t pooled_channels() const { return vector_in_.in_layer.weight.size(1); }
  const RopeAxes& rope_axes() const { return axes_; }

 private:
  // Of a block's outcome what is read, and so computed: all, but after the last block, a single
  // one, the tokens whose velocities are wanted.
  TokenRange read_after(std::size_t index, const TransformerInput& input) const;

  RopeAxes axes_{};
  int64_t heads_ = 0;
  bool adapted_ = false;
  Linear img_in_, txt_in_;
  Embedder time_in_, vector_in_, guidance_in_;
  bool guided_ = false;
  std::vector<DoubleBlock> double_blocks_;
  std::vector<SingleBlock> single_blocks_;
  Linear final_modulation_, final_linear_;
};

}  // namespace pirouette::flux
