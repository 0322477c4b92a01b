#include "worker/engine/picture/finish.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "common/rng.h"
#include "tests/support/png_texts.h"

namespace pirouette::engine {
namespace {

Image noise() {
  Image image{64, 96, 3, std::vector<std::uint8_t>(64 * 96 * 3)};
  Rng rng(7);
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(rng.next());
  return image;
}

RenderSpec some_spec() {
  RenderSpec spec;
  spec.model = "flux1-kontext-dev";
  spec.loras = {{"turnaround", 0.8, ""}};
  spec.prompt = "a back view";
  spec.width = 64;
  spec.height = 96;
  spec.steps = 4;
  spec.guidance = 2.5;
  spec.seed = 42;
  return spec;
}

Circumstances some_circumstances(double seconds) {
  return {{std::string(64, 'a'), {{std::string(64, 'b'), std::string(64, 'c')}}},
          {"cuda", "NVIDIA H100", 1},
          "bfloat16",
          "libtorch 2",
          {{"text", 0.5}, {"denoise", seconds}}};
}

TEST(FinishPicture, APictureCarriesItsStoryAndTheMetricsTheRest) {
  const auto outcome = finish_picture(some_spec(), noise(), some_circumstances(2));
  const auto& rendering = std::get<Rendering>(outcome.value);
  const auto texts = testing::png_texts(rendering.png);
  EXPECT_TRUE(
      texts.at("parameters").value.starts_with("a back view <lora:turnaround:0.8>\nSteps: 4,"))
      << texts.at("parameters").value;
  EXPECT_NE(texts.at("parameters").value.find("Model hash: aaaaaaaaaa, "), std::string::npos);
  EXPECT_NE(texts.at("XML:com.adobe.xmp").value.find("/trainedAlgorithmicMedia\""),
            std::string::npos);
  const auto metrics = nlohmann::json::parse(rendering.metrics);
  EXPECT_EQ(metrics["seconds"]["denoise"], 2.0);
  EXPECT_EQ(metrics["render_seconds"], 2.5);
  EXPECT_EQ(metrics["device_name"], "NVIDIA H100");
  EXPECT_EQ(metrics["model_hash"], std::string(64, 'a'));
  EXPECT_EQ(metrics["loras"][0]["sha256"], std::string(64, 'b'));
  EXPECT_EQ(metrics["loras"][0]["scale"], 0.8);
}

TEST(FinishPicture, HowLongItTookAndOnWhatIsNotInThePicture) {
  const auto png = [](const Circumstances& circumstances) {
    return std::get<Rendering>(finish_picture(some_spec(), noise(), circumstances).value).png;
  };
  Circumstances elsewhere = some_circumstances(99);
  elsewhere.device = {"cpu", "another", 2};
  EXPECT_EQ(png(some_circumstances(1)), png(elsewhere));
  elsewhere.weights.model[0] = 'f';
  EXPECT_NE(png(some_circumstances(1)), png(elsewhere));
}

TEST(FinishPicture, AFlatOneIsAFailedAttempt) {
  Image black = noise();
  black.pixels.assign(black.pixels.size(), 1);
  const auto outcome = finish_picture(some_spec(), black, some_circumstances(1));
  const auto* error = std::get_if<RenderError>(&outcome.value);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->failure, Failure::retryable);
  EXPECT_FALSE(error->cancelled);
  EXPECT_TRUE(
      error->what.starts_with("the picture is flat: every pixel is within 2/255 of "
                              "(1, 1, 1); "))
      << error->what;
}

}  // namespace
}  // namespace pirouette::engine
