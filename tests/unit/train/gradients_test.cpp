// Gradients against finite differences, in float64; and block by block against all at once.

#include <gtest/gtest.h>

#include <cmath>

#include "tests/golden/golden.h"
#include "worker/flux/sampler.h"
#include "worker/train/adapters.h"
#include "worker/train/block_by_block.h"
#include "worker/train/chance.h"

namespace pirouette::train {
namespace {

using flux::golden::get;
using flux::golden::kTinyAxes;

// Both blocks that differ: the tiny model has two double ones first.
constexpr std::size_t kDouble = 0, kSingle = 2;

Tensor random(at::IntArrayRef shape, std::uint64_t number) {
  return normal(shape, generator_of(9, Draw::noise, number)).to(at::kDouble);
}

// The tiny model in float64 with an adapter on every linear, whose ups are no zeros here.
struct Adapted {
  Parameters parameters;
  flux::Transformer model;

  static Adapted make() {
    flux::Weights weights = flux::golden::tiny_transformer_weights().to(at::kDouble, at::kCPU);
    Parameters parameters;
    const auto targets = get(choose_targets(weights.tensors(), {"all-linear"}));
    const LoraOptions lora{3, 6, {}, {}};
    adapt(weights, targets, std::make_shared<double>(lora.scale()), new_factors(targets, lora, 1),
          parameters, at::kDouble, at::kCPU);
    std::uint64_t number = 100;
    for (Parameter& parameter : parameters.all())
      parameter.learnt.copy_(random(parameter.learnt.sizes(), ++number) * 0.1);
    parameters.publish();
    return {std::move(parameters), get(flux::Transformer::load(std::move(weights), kTinyAxes))};
  }
};

flux::TransformerInput small_input() {
  constexpr std::int64_t kRows = 3, kColumns = 2, kText = 4;
  flux::TransformerInput input;
  input.img = random({1, 2 * kRows * kColumns, 64}, 1);
  input.txt = random({1, kText, 48}, 2);
  input.pooled = random({1, 40}, 3);
  input.timestep = at::full({1}, 0.6, at::kDouble);
  input.guidance = at::full({1}, 2.5, at::kDouble);
  input.rope = flux::make_rope(at::cat({at::zeros({kText, 3}), flux::make_ids(0, kRows, kColumns),
                                        flux::make_ids(1, kRows, kColumns)}),
                               kTinyAxes);
  return input;
}

// Compares some of x's gradient with how loss() changes when that number of x does.
template <typename Loss>
void expect_slope(const std::string& name, Tensor x, const Tensor& gradient, const Loss& loss) {
  ASSERT_TRUE(gradient.defined()) << name;
  const at::NoGradGuard no_grad;
  constexpr double kStep = 1e-5;
  Tensor flat = x.view({-1});
  const double scale = gradient.abs().max().item<double>();
  for (const std::int64_t at : {std::int64_t{0}, flat.size(0) / 2, flat.size(0) - 1}) {
    const double before = flat[at].item<double>();
    flat[at] = before + kStep;
    const double above = loss();
    flat[at] = before - kStep;
    const double below = loss();
    flat[at] = before;
    const double measured = (above - below) / (2 * kStep);
    EXPECT_NEAR(gradient.view({-1})[at].item<double>(), measured, 1e-6 * std::max(1.0, scale))
        << name << " number " << at;
  }
}

void check_block(std::size_t index, const std::string& names) {
  Adapted adapted = Adapted::make();
  const flux::TransformerInput input = small_input();
  const Tensor vec = random({1, 96}, 4).requires_grad_(true);
  flux::Tokens tokens{random({1, 12, 96}, 5).requires_grad_(true),
                      random({1, 4, 96}, 6).requires_grad_(true)};
  const auto out = [&] {
    const flux::Tokens y = adapted.model.run_block(index, tokens, vec, input);
    return y.txt.defined() ? at::cat({y.txt, y.img}, 1) : y.img;
  };
  const Tensor weights = random({1, 16, 96}, 7);
  const auto loss = [&] { return (out() * weights).sum().item<double>(); };
  (out() * weights).sum().backward();

  expect_slope("image tokens", tokens.img.detach(), tokens.img.grad(), loss);
  expect_slope("text tokens", tokens.txt.detach(), tokens.txt.grad(), loss);
  expect_slope("vec", vec.detach(), vec.grad(), loss);
  int checked = 0;
  for (const Parameter& parameter : adapted.parameters.all()) {
    if (!parameter.name.starts_with(names)) continue;
    expect_slope(parameter.name, parameter.used.detach(), parameter.used.grad(), loss);
    ++checked;
  }
  EXPECT_GE(checked, 12) << names;
}

TEST(Gradients, OfADoubleBlockAreItsSlopes) { check_block(kDouble, "transformer_blocks.0."); }
TEST(Gradients, OfASingleBlockAreItsSlopes) {
  check_block(kSingle, "single_transformer_blocks.0.");
}

using Backward = Tensor (*)(const flux::Transformer&, const flux::TransformerInput&, const LossOf&);

// Of everything that can carry one.
std::map<std::string, Tensor> gradients(Backward backward, const flux::Transformer& model,
                                        Parameters& parameters, double& loss) {
  flux::TransformerInput input = small_input();
  input.txt.requires_grad_(true);
  input.pooled.requires_grad_(true);
  input.wanted = 6;
  const Tensor wanted = random({1, input.wanted, 64}, 8);
  const auto loss_of = [&](const Tensor& velocity) { return (velocity - wanted).square().mean(); };
  loss = backward(model, input, loss_of).item<double>();
  std::map<std::string, Tensor> found{{"txt", input.txt.grad()}, {"pooled", input.pooled.grad()}};
  parameters.collect(1);
  for (Parameter& parameter : parameters.all())
    found.emplace(parameter.name, parameter.gradient.clone());
  parameters.forget_gradients();
  return found;
}

void expect_same_both_ways(const flux::Transformer& model, Parameters& parameters) {
  double loss_at_once = 0, loss_by_blocks = 0;
  const auto at_once = gradients(backward_at_once, model, parameters, loss_at_once);
  const auto by_blocks = gradients(backward_block_by_block, model, parameters, loss_by_blocks);
  EXPECT_DOUBLE_EQ(loss_at_once, loss_by_blocks);
  for (const auto& [name, expected] : at_once) {
    ASSERT_GT(expected.norm().item<double>(), 0) << name;
    EXPECT_LT((by_blocks.at(name) - expected).norm().item<double>(),
              1e-12 * (1 + expected.norm().item<double>()))
        << name;
  }
}

TEST(Gradients, OfALoraAreTheSameBlockByBlock) {
  Adapted adapted = Adapted::make();
  expect_same_both_ways(adapted.model, adapted.parameters);
}

TEST(Gradients, OfAWholeModelAreTheSameBlockByBlock) {
  const flux::Weights stored = flux::golden::tiny_transformer_weights();
  Tensors tensors = stored.tensors();
  Parameters parameters;
  parameters.add_all("transformer.", tensors, at::kDouble);
  const flux::Transformer model =
      get(flux::Transformer::load(flux::Weights(tensors, "tiny"), kTinyAxes));
  expect_same_both_ways(model, parameters);
}

TEST(Gradients, AnAdapterChangesWhatItsMergeChanges) {
  Adapted adapted = Adapted::make();
  const at::NoGradGuard no_grad;
  flux::Weights weights = flux::golden::tiny_transformer_weights().to(at::kDouble, at::kCPU);
  Tensors merged = weights.tensors();
  const Tensors learnt = adapted.parameters.learnt();
  for (const Target& t : get(choose_targets(weights.tensors(), {"all-linear"}))) {
    Tensor& weight = merged.at(t.place.module + ".weight");
    weight = weight.clone();
    weight.slice(0, t.first_row, t.first_row + t.out)
        .add_(at::mm(learnt.at(up_name(t)), learnt.at(down_name(t))), 6.0 / 3.0);
  }
  const flux::Transformer model =
      get(flux::Transformer::load(flux::Weights(merged, "merged"), kTinyAxes));
  const flux::TransformerInput input = small_input();
  EXPECT_LT(flux::golden::distance(adapted.model(input), model(input)), 1e-12);
}

}  // namespace
}  // namespace pirouette::train
