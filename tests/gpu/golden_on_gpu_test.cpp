// The reference's own results, on the device: float32 through the plain operations, bfloat16
// through the fast ones.

#include "tests/golden/pictures.h"
#include "tests/gpu/gpu.h"
#include "worker/flux/cuda/fast_transformer.h"
#include "worker/flux/kontext.h"

namespace pirouette::flux::gpu {
namespace {

using golden::cases;
using golden::expected;
using golden::folder;

constexpr double kFloatTolerance = 1e-4;
constexpr double kBfloatTolerance = 2e-2;

TransformerInput input_on_device(at::ScalarType dtype) {
  TransformerInput input = golden::transformer_input();
  for (Tensor* tensor : {&input.img, &input.txt, &input.pooled, &input.timestep, &input.guidance})
    *tensor = tensor->to(device(), dtype);
  input.rope.cos = input.rope.cos.to(device());
  input.rope.sin = input.rope.sin.to(device());
  return input;
}

Transformer transformer(at::ScalarType dtype, at::Device where) {
  return get(
      Transformer::load(golden::tiny_transformer_weights().to(dtype, where), golden::kTinyAxes));
}

Autoencoder autoencoder(at::ScalarType dtype) {
  return get(Autoencoder::load(
      get(canonical_autoencoder(get(load_weights(folder() / "vae")).to(dtype, device()))),
      AutoencoderNumbers{}));
}

TEST(GoldenOnGpu, Float32TransformerPredictsWhatTheReferencePredicts) {
  const at::NoGradGuard no_grad;
  const Tensor output = transformer(at::kFloat, device())(input_on_device(at::kFloat));
  EXPECT_LE(distance(output.cpu(), expected("transformer.output")), kFloatTolerance);
}

// The reference's time and guidance are no bfloat16 numbers, and the model is told of both in
// thousandths rounded to bfloat16: that moves it more than anything computed here. So both are told
// the rounded ones: ours in bfloat16, and the float32 model on the CPU, which other tests hold to
// the reference.
TEST(GoldenOnGpu, Bfloat16TransformerStaysNear) {
  const at::NoGradGuard no_grad;
  TransformerInput exact = golden::transformer_input();
  exact.timestep = told(exact.timestep, at::kFloat);
  exact.guidance = told(exact.guidance, at::kFloat);
  const Tensor wanted = transformer(at::kFloat, at::kCPU)(exact);
  const TransformerInput input = input_on_device(at::kBFloat16);
  const Transformer model = transformer(at::kBFloat16, device());
  const Tensor fast = model(input);
  EXPECT_LE(distance(fast.cpu(), wanted), kBfloatTolerance);
  const cuda::PlainOnly plain;
  std::printf("bfloat16 transformer: fast %.2e, plain %.2e, of the reference's own time %.2e\n",
              distance(fast.cpu(), wanted), distance(model(input).cpu(), wanted),
              distance(fast.cpu(), expected("transformer.output")));
}

TEST(GoldenOnGpu, AutoencoderEncodesAndDecodesLikeTheReference) {
  const at::NoGradGuard no_grad;
  for (const auto& [dtype, tolerance] :
       {std::pair(at::kFloat, kFloatTolerance), {at::kBFloat16, kBfloatTolerance}}) {
    const Autoencoder model = autoencoder(dtype);
    const auto given = [&, type = dtype](const char* name) {
      return expected(name).to(device(), type);
    };
    const double encoded =
        distance(model.encode_mean(given("vae.encode.input")).cpu(), expected("vae.encode.mode"));
    const double decoded =
        distance(model.decode_raw(given("vae.decode.input")).cpu(), expected("vae.decode.output"));
    std::printf("autoencoder, %s: encode %.2e, decode %.2e\n", c10::toString(dtype), encoded,
                decoded);
    EXPECT_LE(encoded, tolerance);
    EXPECT_LE(decoded, tolerance);
  }
}

class RunOnGpu : public testing::TestWithParam<const char*> {};

TEST_P(RunOnGpu, FollowsTheReferenceStepByStepInFloat32) {
  const std::string name = GetParam();
  const auto found = std::find_if(cases().at("pipeline").begin(), cases().at("pipeline").end(),
                                  [&](const auto& run) { return run.at("name") == name; });
  const auto& run = *found;
  Kontext kontext = get(Kontext::load({folder(), std::nullopt}, at::kFloat, device()));
  if (run.at("lora_file").is_string())
    get(kontext.set_loras({{folder() / run.at("lora_file").get<std::string>(), run.at("lora")}}));
  RenderRequest request;
  request.width = run.at("w");
  request.height = run.at("h");
  request.steps = run.at("steps");
  request.guidance = run.at("guidance");
  request.seed = run.at("seed");
  request.true_cfg = run.value("true_cfg", 1.0);
  const int length = run.at("max_sequence_length");
  request.prompt = get(kontext.embed_text(run.at("prompt").get<std::string>(), length));
  if (run.contains("negative"))
    request.negative = get(kontext.embed_text(run.at("negative").get<std::string>(), length));
  request.reference = get(kontext.encode_reference(golden::load_png(folder() / run.at("reference")),
                                                   {ReferenceSize::Kind::keep, {}}));
  const Tensor trajectory = expected("pipeline." + name + ".trajectory");
  const auto compare = [&](int step, int, const Tensor& latents) {
    EXPECT_LE(distance(latents.cpu(), trajectory[step - 1]), kFloatTolerance) << "step " << step;
    return true;
  };
  const Rendering rendering = get(kontext.render(request, compare));
  EXPECT_LE(golden::largest_difference(rendering.image,
                                       golden::load_png(folder() / ("expected_" + name + ".png"))),
            1);
}

INSTANTIATE_TEST_SUITE_P(GoldenOnGpu, RunOnGpu,
                         testing::Values("plain", "wide", "lora", "true_cfg"),
                         [](const auto& run) { return std::string(run.param); });

}  // namespace
}  // namespace pirouette::flux::gpu
