#include "tests/golden/golden.h"

namespace pirouette::flux::golden {
namespace {

TEST(Transformer, PredictsWhatTheReferencePredicts) {
  const at::NoGradGuard no_grad;
  const Transformer model = get(Transformer::load(tiny_transformer_weights(), kTinyAxes));
  EXPECT_LE(distance(model(transformer_input()), expected("transformer.output")), kPartTolerance);
}

TEST(Autoencoder, EncodesAndDecodesLikeTheReference) {
  const at::NoGradGuard no_grad;
  const Autoencoder model = get(Autoencoder::load(
      get(canonical_autoencoder(get(load_weights(folder() / "vae")).to(at::kFloat, at::kCPU))),
      AutoencoderNumbers{}));
  EXPECT_LE(distance(model.encode_mean(expected("vae.encode.input")), expected("vae.encode.mode")),
            kPartTolerance);
  EXPECT_LE(distance(model.decode_raw(expected("vae.decode.input")), expected("vae.decode.output")),
            kPartTolerance);
}

TEST(Autoencoder, GroupsThatItsChannelsDoNotMakeAreNamed) {
  const auto loaded = Autoencoder::load(
      get(canonical_autoencoder(get(load_weights(folder() / "vae")).to(at::kFloat, at::kCPU))),
      AutoencoderNumbers{.norm_groups = 7});
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.error().what.find("do not make norm_num_groups, 7, of one size"),
            std::string::npos)
      << loaded.error().what;
}

}  // namespace
}  // namespace pirouette::flux::golden
