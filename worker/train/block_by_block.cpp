#include "worker/train/block_by_block.h"

#include <utility>
#include <vector>

namespace pirouette::train {
namespace {

using flux::Tokens;

// As a leaf of its own, so that gradients stop there and can be read.
Tensor leaf(const Tensor& x) { return x.defined() ? x.detach().requires_grad_(true) : x; }
Tokens leaves(const Tokens& x) { return {leaf(x.img), leaf(x.txt)}; }

Tensor gradient_of(const Tensor& x) { return x.defined() ? x.grad() : x; }

// One root of a graph has one way back through it; two would go through what they share twice.
Tensor joined(const Tokens& x) { return x.txt.defined() ? at::cat({x.txt, x.img}, 1) : x.img; }

void backward(const Tokens& x, const Tokens& gradients) {
  const Tensor root = joined(x);
  if (root.requires_grad()) root.backward(joined(gradients));
}

}  // namespace

Tensor backward_at_once(const flux::Transformer& model, const flux::TransformerInput& input,
                        const LossOf& loss_of) {
  const Tensor loss = loss_of(model(input));
  loss.backward();
  return loss.detach();
}

Tensor backward_block_by_block(const flux::Transformer& model, const flux::TransformerInput& input,
                               const LossOf& loss_of) {
  PIROUETTE_CHECK(at::GradMode::is_enabled());
  // What comes before the blocks is small: its graph stays.
  const Tensor vec = model.condition(input);
  const Tokens embedded = model.embed(input);
  const Tensor vec_leaf = leaf(vec);

  std::vector<Tokens> inputs;
  Tokens x{embedded.img.detach(), embedded.txt.detach()};
  {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < model.blocks(); ++i) {
      inputs.push_back(x);
      x = model.run_block(i, std::move(x), vec_leaf, input);
    }
  }
  Tokens last = leaves(x);
  const Tensor loss = loss_of(model.velocity(last, vec_leaf));
  loss.backward();
  Tokens gradients{gradient_of(last.img), gradient_of(last.txt)};
  for (std::size_t i = model.blocks(); i-- > 0;) {
    const Tokens in = leaves(inputs[i]);
    inputs.pop_back();
    backward(model.run_block(i, in, vec_leaf, input), gradients);
    gradients = {gradient_of(in.img), gradient_of(in.txt)};
  }
  backward(embedded, gradients);
  if (vec.requires_grad()) vec.backward(vec_leaf.grad());
  return loss.detach();
}

}  // namespace pirouette::train
