#include "worker/flux/kontext.h"

#include "tests/golden/golden.h"
#include "tests/golden/pictures.h"

namespace pirouette::flux::golden {
namespace {

const nlohmann::json& case_named(const std::string& name) {
  for (const auto& run : cases().at("pipeline"))
    if (run.at("name") == name) return run;
  throw std::runtime_error("no case " + name);
}

RenderRequest request_of(const Kontext& kontext, const nlohmann::json& run) {
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
  request.reference = get(kontext.encode_reference(load_png(folder() / run.at("reference")),
                                                   {ReferenceSize::Kind::keep, {}}));
  return request;
}

Kontext load_tiny() { return get(Kontext::load({folder(), std::nullopt}, at::kFloat)); }

class Run : public testing::TestWithParam<const char*> {};

TEST_P(Run, FollowsTheReferenceStepByStep) {
  const std::string name = GetParam();
  const auto& run = case_named(name);
  Kontext kontext = load_tiny();
  if (run.at("lora_file").is_string())
    get(kontext.set_loras({{folder() / run.at("lora_file").get<std::string>(), run.at("lora")}}));

  const Tensor trajectory = expected("pipeline." + name + ".trajectory");
  int steps_seen = 0;
  const auto compare = [&](int step, int of, const Tensor& latents) {
    EXPECT_EQ(step, ++steps_seen);
    EXPECT_EQ(of, trajectory.size(0));
    EXPECT_LE(distance(latents, trajectory[step - 1]), kRunTolerance) << "step " << step;
    return true;
  };
  const Rendering rendering = get(kontext.render(request_of(kontext, run), compare));
  EXPECT_EQ(steps_seen, trajectory.size(0));
  EXPECT_LE(distance(rendering.latents, expected("pipeline." + name + ".latents")), kRunTolerance);
  EXPECT_LE(largest_difference(rendering.image, load_png(folder() / ("expected_" + name + ".png"))),
            1);
}

TEST(Kontext, StopsWhereProgressSaysSo) {
  const Kontext kontext = load_tiny();
  int calls = 0;
  const auto stop = [&](int, int, const Tensor&) { return ++calls < 2; };
  const auto outcome = kontext.render(request_of(kontext, case_named("plain")), stop);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code, Errc::cancelled);
  EXPECT_EQ(calls, 2);
}

TEST(Kontext, RendersWithoutTheLoraAgainOnceItIsTakenOff) {
  Kontext kontext = load_tiny();
  get(kontext.set_loras({{folder() / "comfyui/loras/peft.safetensors", 1.0}}));
  get(kontext.set_loras({}));
  const Rendering rendering = get(kontext.render(request_of(kontext, case_named("plain"))));
  EXPECT_LE(distance(rendering.latents, expected("pipeline.plain.latents")), kRunTolerance);
}

TEST(Kontext, ABrokenModelIsNotDecoded) {
  Kontext kontext = load_tiny();
  get(kontext.set_loras({{folder() / "comfyui/loras/peft.safetensors", 1e30}}));
  const auto outcome = kontext.render(request_of(kontext, case_named("plain")));
  ASSERT_FALSE(outcome.ok());
  EXPECT_NE(outcome.error().what.find("the latents are not finite after 4 steps"),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Kontext, Run, testing::Values("plain", "wide", "lora", "true_cfg"),
                         [](const auto& run) { return std::string(run.param); });

}  // namespace
}  // namespace pirouette::flux::golden
