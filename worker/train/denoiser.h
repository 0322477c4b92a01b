#pragma once
// Kontext as it is learnt: examples become latents, latents are mixed with noise, and the
// transformer is told how wrong it was about the way back. The reference's tokens stand behind the
// noisy ones, as in rendering; what the model says about them counts nothing. Shared by the
// training of a whole model and of a LoRA, which differ in what is trainable only.

#include <cstdint>
#include <memory>
#include <optional>

#include "worker/flux/autoencoder.h"
#include "worker/flux/reference.h"
#include "worker/flux/transformer.h"
#include "worker/train/batch_queue.h"
#include "worker/train/echo_buffer.h"
#include "worker/train/flow_matching.h"
#include "worker/train/prompts.h"

namespace pirouette::train {

struct DenoiserOptions {
  flux::Size size;  // of pictures and references
  std::uint64_t seed = 0;
  std::uint64_t batch = 1;
  int workers = 0;  // threads that draw examples ahead; 0: none does
  // Each example is learnt from so often on average, which divides the batch, among the newest so
  // many, which are at least a batch.
  std::uint64_t echoing_factor = 1, shuffle_buffer_size = 4096;
  FlowOptions flow;
  double mask_weight = 1;      // what a latent's error counts in an example's mask, elsewhere 1
  double guidance = 3.5;       // told to a model that is told one
  bool block_by_block = true;  // gradient checkpointing
  // What show() draws: so many examples, in so many steps.
  std::int64_t shown = 4;
  int steps = 24;
};

struct DenoiserModel {
  flux::Transformer transformer;
  flux::Autoencoder autoencoder;
  Prompts prompts;
  flux::Shift shift;
  at::ScalarType dtype;
  at::Device device;
};

class Denoiser {
 public:
  // dataset must live as long.
  Denoiser(DenoiserModel model, const Dataset& dataset, const DenoiserOptions& options);

  // As Task's: the number-th micro-batch.
  Result<Tensor> learn(std::uint64_t number);
  // For each example a row: reference, target, what the model makes of it.
  Result<Image> show() const;

 private:
  EncodedBatch encode(Batch batch) const;
  Result<EncodedBatch> take(std::uint64_t number);
  Result<flux::TransformerInput> make_input(const EncodedBatch& encoded) const;
  Tensor told(const Tensor& sigmas) const;
  Result<Tensor> draw(const EncodedBatch& encoded) const;

  DenoiserModel model_;
  const Dataset& dataset_;
  DenoiserOptions options_;
  std::unique_ptr<BatchQueue> batches_;  // of fresh examples
  std::optional<EchoBuffer> echoes_;     // where examples are learnt from more than once
};

}  // namespace pirouette::train
