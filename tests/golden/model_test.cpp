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
      LatentScaling{}));
  EXPECT_LE(distance(model.encode_mean(expected("vae.encode.input")), expected("vae.encode.mode")),
            kPartTolerance);
  EXPECT_LE(distance(model.decode_raw(expected("vae.decode.input")), expected("vae.decode.output")),
            kPartTolerance);
}

}  // namespace
}  // namespace pirouette::flux::golden
