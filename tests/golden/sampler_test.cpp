#include "worker/flux/sampler.h"

#include "tests/golden/golden.h"
#include "worker/flux/reference.h"

namespace pirouette::flux::golden {
namespace {

TEST(Sampler, MakesTheReferencesNoiseLevels) {
  for (const auto& wanted : cases().at("sigmas")) {
    const auto sigmas = make_sigmas(wanted.at("steps"), wanted.at("image_seq_len"), Shift{});
    const auto theirs = wanted.at("sigmas").get<std::vector<double>>();
    ASSERT_EQ(sigmas.size(), theirs.size());
    for (std::size_t i = 0; i < theirs.size(); ++i)
      EXPECT_NEAR(sigmas[i], theirs[i], kPartTolerance * theirs[i]) << wanted.at("steps");
  }
}

TEST(ReferenceSize, IsTheReferences) {
  for (const auto& wanted : cases().at("preferred_resolutions")) {
    const auto in = wanted.at("in").get<std::array<int, 2>>();
    const auto out = wanted.at("out").get<std::array<int, 2>>();
    EXPECT_EQ(preferred_size({in[0], in[1]}), (Size{out[0], out[1]})) << in[0] << 'x' << in[1];
  }
}

TEST(Sampler, DrawsTheReferencesNoise) {
  const Tensor theirs = expected("rng.seed42.randn_16x12x8");
  EXPECT_LE(distance(make_noise(42, {16, 12, 8}, at::kFloat), theirs), kPartTolerance);
}

TEST(Sampler, UnpacksWhatItPacked) {
  const Tensor latents = make_noise(7, {16, 6, 10}, at::kFloat);
  const Tensor tokens = pack_latents(latents);
  EXPECT_EQ(tokens.sizes(), (at::IntArrayRef{1, 15, 64}));
  EXPECT_TRUE(at::equal(unpack_latents(tokens, 6, 10), latents));
}

}  // namespace
}  // namespace pirouette::flux::golden
