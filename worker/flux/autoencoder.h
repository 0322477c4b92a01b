#pragma once
// FLUX.1's autoencoder: pictures of [-1, 1] to latents of 16 channels at an eighth of the size, and
// back (black-forest-labs/flux: src/flux/modules/autoencoder.py). Encoding gives the distribution's
// mean, so it is deterministic. Widths and depths are read from the weights. No state.
//
// Letters: B batch, C channels, H and W pixels, h and w latent cells (H = 8h).

#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/checkpoint.h"
#include "worker/flux/ops.h"
#include "worker/flux/storage/model_numbers.h"

namespace pirouette::flux {

struct ResnetBlock {
  GroupNorm norm1, norm2;
  Conv2d conv1, conv2;
  std::optional<Conv2d> shortcut;  // where the width changes
  Tensor operator()(const Tensor& x) const;
};

// One head over all cells.
struct AttentionBlock {
  GroupNorm norm;
  Conv2d q, k, v, proj_out;
  Tensor operator()(const Tensor& x) const;
};

struct Middle {
  ResnetBlock block_1;
  AttentionBlock attention;
  ResnetBlock block_2;
  Tensor operator()(const Tensor& x) const;
};

struct Level {
  std::vector<ResnetBlock> blocks;
  std::optional<Conv2d> resample;  // halves or doubles the size; the last level has none
};

class Autoencoder {
 public:
  // On CUDA convolutions are fastest where a pixel's channels are neighbours: load() lays weights
  // out so, and takes those that lie so already as they are.
  static Weights laid_out(Weights weights);

  // Canonical names. invalid or not_found names the tensor.
  static Result<Autoencoder> load(Weights weights, AutoencoderNumbers numbers);

  // [B, 3, H, W] in -1..1 -> mean, then log variance [B, 2*16, h, w], unscaled.
  Tensor encode_moments(const Tensor& pictures) const;
  // The mean alone [B, 16, h, w], unscaled.
  Tensor encode_mean(const Tensor& pictures) const;
  // [B, 16, h, w], unscaled -> [B, 3, H, W], unclamped.
  Tensor decode_raw(const Tensor& latents) const;

  // The same, with the scaling that the transformer works in.
  Tensor encode(const Tensor& pictures) const;
  Tensor decode(const Tensor& latents) const;

  int64_t latent_channels() const { return decoder_.conv_in.weight.size(1); }
  // Pixels a latent cell is wide and high: 8.
  int64_t cell_size() const { return int64_t{1} << (decoder_.levels.size() - 1); }

 private:
  struct Side {
    Conv2d conv_in, conv_out;
    std::vector<Level> levels;  // in the order they run
    Middle middle;
    GroupNorm norm_out;
  };
  static Result<Side> take_side(Weights& weights, bool encoder);

  AutoencoderNumbers numbers_;
  Side encoder_, decoder_;
};

}  // namespace pirouette::flux
