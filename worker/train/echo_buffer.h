#pragma once
// Data echoing (Choi et al. 2019, "Faster neural network training with data echoing"): to draw and
// encode an example takes longer than a small model takes to learn from it, so each is learnt from
// several times. Encoded examples stay on the device, the newest of them; a batch is some new ones
// and, for the rest, a draw among those that stay. Each time an example meets other noise, so it
// is never learnt by heart.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/ops.h"

namespace pirouette::train {

// Examples as the denoiser takes them, side by side.
struct EncodedBatch {
  flux::Tensor targets, references;  // latents [B, c, h, w] on the device
  flux::Tensor masks;                // [B, 1, h, w]: 1 where a latent shows what counts more, or 0
  std::vector<std::string> prompts;
};

struct EchoOptions {
  std::uint64_t seed = 0;
  std::uint64_t batch = 1;   // examples that a step learns from
  std::uint64_t fresh = 1;   // of them new; 1 to batch
  std::uint64_t window = 1;  // the newest examples that stay; at least fresh
};

class EchoBuffer {
 public:
  // Encodes the number-th fresh ones. Any number may be asked for; the next one is the usual.
  using Encode = std::function<Result<EncodedBatch>(std::uint64_t number)>;

  explicit EchoBuffer(const EchoOptions& options);

  // The number-th batch: its fresh examples first. It depends on the number alone; where a training
  // goes on in the middle, all that would have stayed is encoded again first.
  Result<EncodedBatch> take(std::uint64_t number, const Encode& encode);

 private:
  void keep(std::uint64_t number, EncodedBatch fresh);

  EchoOptions options_;
  std::uint64_t parts_;  // fresh ones of so many steps stay
  std::uint64_t next_ = 0;
  EncodedBatch kept_;
};

}  // namespace pirouette::train
