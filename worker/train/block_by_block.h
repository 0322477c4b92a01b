#pragma once
// The transformer's gradients in little memory (gradient checkpointing): the way forward keeps each
// block's input and nothing else; the way back runs one block again at a time, with autograd, and
// hands its input's gradient on to the block before. At FLUX.1's size that is 53 MB a block at a
// megapixel instead of gigabytes, for one more way forward.

#include <functional>

#include "worker/flux/transformer.h"

namespace pirouette::train {

using flux::Tensor;

// The velocity of every image token -> a scalar.
using LossOf = std::function<Tensor(const Tensor& velocity)>;

// Both add to the leaves' gradients and return the loss, on the device. Autograd must be on.
Tensor backward_at_once(const flux::Transformer& model, const flux::TransformerInput& input,
                        const LossOf& loss_of);
Tensor backward_block_by_block(const flux::Transformer& model, const flux::TransformerInput& input,
                               const LossOf& loss_of);

}  // namespace pirouette::train
