// AdamW, the running average, the learning rate and the draws, against their formulas.

#include <gtest/gtest.h>

#include <cmath>

#include "tests/golden/golden.h"
#include "worker/flux/sampler.h"
#include "worker/train/adamw.h"
#include "worker/train/chance.h"
#include "worker/train/flow_matching.h"
#include "worker/train/learning_rate.h"

namespace pirouette::train {
namespace {

using flux::golden::get;

TEST(AdamW, FollowsItsFormula) {
  Parameters parameters;
  parameters.add("x", at::full({1}, 2.0, at::kDouble), at::kDouble);
  const AdamWOptions options{0.9, 0.99, 1e-8, 0.1};
  AdamW adam(parameters, options);
  double x = 2, mean = 0, square = 0;
  for (int step = 1; step <= 5; ++step) {
    const double g = 3.0 * step - 7, rate = 0.01;
    parameters.all()[0].gradient.fill_(g);
    adam.step(parameters, rate, step);
    x -= rate * options.weight_decay * x;
    mean = 0.9 * mean + 0.1 * g;
    square = 0.99 * square + 0.01 * g * g;
    x -= rate * (mean / (1 - std::pow(0.9, step))) /
         (std::sqrt(square / (1 - std::pow(0.99, step))) + 1e-8);
    EXPECT_NEAR(parameters.all()[0].learnt.item<double>(), x, 1e-9) << "step " << step;
  }
}

TEST(AdamW, LearnsStepsThatBfloat16CannotHold) {
  Parameters parameters;
  const Tensor used = parameters.add("x", at::ones({1}), at::kBFloat16);
  AdamW adam(parameters, {0.9, 0.999, 1e-8, 0});
  for (int step = 1; step <= 100; ++step) {
    parameters.all()[0].gradient.fill_(1);
    adam.step(parameters, 1e-4, step);  // 1 - 1e-4 is 1 in bfloat16
    parameters.publish();
  }
  EXPECT_NEAR(used.to(at::kFloat).item<double>(), 0.99, 0.005);
}

TEST(Parameters, GradientsAreSummedAndClipped) {
  Parameters parameters;
  const Tensor used = parameters.add("x", at::zeros({2}), at::kFloat);
  for (int i = 0; i < 2; ++i) {
    (used * at::tensor({6.0f, 8.0f})).sum().backward();
    parameters.collect(0.5);
  }
  EXPECT_NEAR(parameters.clip(1.0).item<double>(), 10, 1e-5);
  EXPECT_NEAR(parameters.all()[0].gradient.norm().item<double>(), 1, 1e-5);
  EXPECT_NEAR(parameters.clip(0).item<double>(), 1, 1e-5);
}

TEST(Average, FollowsWhatIsLearnt) {
  Parameters parameters;
  parameters.add("x", at::zeros({1}), at::kFloat);
  Average average(parameters, 0.5);
  parameters.all()[0].learnt.fill_(1);
  average.update(parameters, 1);  // decay 2 / 11
  EXPECT_NEAR(average.values()[0].item<double>(), 9.0 / 11, 1e-6);
  average.update(parameters, 100);  // decay 0.5
  EXPECT_NEAR(average.values()[0].item<double>(), 10.0 / 11, 1e-6);
}

TEST(LearningRate, WarmsUpAndFollowsACosine) {
  const LearningRate cosine{LrScheduler::cosine, 1.0, 10, 110};
  EXPECT_DOUBLE_EQ(cosine.after(0), 0);
  EXPECT_DOUBLE_EQ(cosine.after(5), 0.5);
  EXPECT_DOUBLE_EQ(cosine.after(10), 1);
  EXPECT_NEAR(cosine.after(60), 0.5, 1e-12);
  EXPECT_NEAR(cosine.after(110), 0, 1e-12);
  const LearningRate warm{LrScheduler::constant_with_warmup, 1.0, 10, 110};
  EXPECT_DOUBLE_EQ(warm.after(109), 1);
  EXPECT_DOUBLE_EQ((LearningRate{LrScheduler::constant, 1.0, 10, 110}).after(0), 1);
  EXPECT_EQ(get(parse_lr_scheduler("cosine")), LrScheduler::cosine);
  EXPECT_FALSE(parse_lr_scheduler("linear").ok());
}

TEST(FlowMatching, SigmasAreShiftedAsTheSamplerShiftsThem) {
  const flux::Shift shift;
  const std::int64_t tokens = 4096;
  const Tensor sigmas = draw_sigmas(20001, {}, tokens, shift, generator_of(1, Draw::sigma, 0));
  EXPECT_GT(sigmas.min().item<double>(), 0);
  EXPECT_LT(sigmas.max().item<double>(), 1);
  // The middle of the even draws is the middle of the sampler's way.
  const std::vector<float> way = flux::make_sigmas(2, tokens, shift);
  EXPECT_NEAR(sigmas.median().item<double>(), way[1], 0.01);
}

TEST(FlowMatching, TheVelocityLeadsFromNoiseToThePictureAsTheSamplerGoes) {
  const Tensor clean = normal({2, 3, 4}, generator_of(1, Draw::noise, 0));
  const Tensor noise = normal({2, 3, 4}, generator_of(1, Draw::noise, 1));
  const Mixed mixed = mix(clean, noise, at::tensor({0.25f, 0.25f}));
  EXPECT_TRUE(
      at::allclose(flux::euler_step(mixed.noisy, mixed.velocity, 0.25f, 0), clean, 1e-5, 1e-6));
  EXPECT_TRUE(
      at::allclose(flux::euler_step(mixed.noisy, mixed.velocity, 0.25f, 1), noise, 1e-5, 1e-6));
}

TEST(FlowMatching, WeightsFollowDiffusers) {
  const Tensor sigmas = at::tensor({0.25f, 0.5f});
  EXPECT_NEAR(loss_weights(sigmas, Weighting::sigma_sqrt)[0].item<double>(), 16, 1e-5);
  EXPECT_NEAR(loss_weights(sigmas, Weighting::cosmap)[1].item<double>(), 4 / M_PI, 1e-5);
  EXPECT_NEAR(loss_weights(sigmas, Weighting::logit_normal)[1].item<double>(), 1, 0);
  EXPECT_FALSE(parse_weighting("sigma").ok());
}

TEST(FlowMatching, PlacesInTheMaskCountMoreAndAllTogetherOne) {
  Tensor masks = at::zeros({2, 1, 4, 2});
  masks[0][0][1][0] = 1;
  const Tensor weights = place_weights(masks, /*channels=*/3, /*mask_weight=*/9);
  ASSERT_EQ(weights.sizes(), (std::vector<std::int64_t>{2, 2, 12}));
  // One place in eight counts nine times: the others half.
  EXPECT_TRUE(at::allclose(weights[1], at::ones({2, 12})));
  const Tensor latents = flux::unpack_latents(weights, 4, 2)[0];  // [3, 4, 2]
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    EXPECT_FLOAT_EQ(latents[channel][1][0].item<float>(), 4.5);
    EXPECT_FLOAT_EQ(latents[channel].sum().item<float>(), 8);
    EXPECT_FLOAT_EQ(latents[channel].min().item<float>(), 0.5);
  }
}

TEST(Chance, DrawsDependOnSeedKindAndCountAlone) {
  const auto draw = [](std::uint64_t seed, Draw kind, std::uint64_t count) {
    return normal({1}, generator_of(seed, kind, count)).item<double>();
  };
  EXPECT_EQ(draw(1, Draw::noise, 7), draw(1, Draw::noise, 7));
  EXPECT_NE(draw(1, Draw::noise, 7), draw(2, Draw::noise, 7));
  EXPECT_NE(draw(1, Draw::noise, 7), draw(1, Draw::sigma, 7));
  EXPECT_NE(draw(1, Draw::noise, 7), draw(1, Draw::noise, 8));
}

}  // namespace
}  // namespace pirouette::train
