// What the engine makes of the next job while one renders, and cheaper steps as recipes ask for
// them.

#include <unistd.h>

#include "common/files.h"
#include "tests/golden/golden.h"
#include "tests/golden/tiny_engine.h"
#include "tests/support/png_texts.h"
#include "worker/engine/flux_engine.h"
#include "worker/flux/kontext.h"

namespace pirouette::engine {
namespace {

using flux::golden::folder;
using flux::golden::get;
using golden::counter;
using golden::smallest_pose;
using golden::smallest_reference;
using nlohmann::json;

FluxEngineConfig tiny_config() {
  FluxEngineConfig config = golden::tiny_config({{"ink", "second_peft.safetensors"}});
  config.keep_text_encoders = true;
  return config;
}

RenderSpec pose(const std::string& prompt, const std::string& lora, const std::string& character) {
  return smallest_pose(prompt, {{lora, 1.0, ""}}, character, /*steps=*/6);
}

std::vector<std::uint8_t> png_of(Engine& engine, const RenderSpec& spec,
                                 const ProgressFn& progress = nullptr) {
  return golden::png_of(engine.render(spec, smallest_reference(), progress));
}

// Renders one job, and has the other prepared after its first step.
std::vector<std::uint8_t> render_beside(Engine& engine, const RenderSpec& spec,
                                        const RenderSpec& next) {
  return png_of(engine, spec, [&](int step, int) {
    if (step == 1) engine.prepare(next, smallest_reference());
    return true;
  });
}

const RenderSpec kFirst = pose("front", "turnaround", "knight");
const RenderSpec kNext = pose("back", "ink", "robot");

TEST(FluxEngineAhead, TheNextJobsVariantPromptAndReferenceAreMadeWhileOneRenders) {
  const auto engine = get(make_flux_engine(tiny_config()));
  const auto first = render_beside(*engine, kFirst, kNext);
  EXPECT_EQ(counter(*engine, "lora_merges_total"), 2u);
  EXPECT_EQ(counter(*engine, "text_encodings_total"), 2u);
  EXPECT_EQ(json::parse(engine->residency())["loras"][0]["name"], "turnaround");
  const auto next = png_of(*engine, kNext);
  EXPECT_EQ(counter(*engine, "lora_merges_total"), 2u);
  EXPECT_EQ(counter(*engine, "text_encodings_total"), 2u);
  EXPECT_EQ(counter(*engine, "text_cache_hits_total"), 1u);
  EXPECT_EQ(counter(*engine, "reference_cache_hits_total"), 1u);
  // Neither picture knows.
  EXPECT_EQ(png_of(*get(make_flux_engine(tiny_config())), kFirst), first);
  EXPECT_EQ(png_of(*get(make_flux_engine(tiny_config())), kNext), next);
}

TEST(FluxEngineAhead, AVariantWithoutRoomBesideTheOthersWaits) {
  FluxEngineConfig config = tiny_config();
  const flux::KontextBytes bytes = get(flux::measure({folder(), {}}, at::kFloat));
  const std::uint64_t standing = bytes.transformer + bytes.autoencoder + bytes.text_encoders;
  config.residency = ResidencyMode::pristine_on_device;
  config.memory_budget_bytes = (standing + 1) * 8 / 7 + 8;
  const auto engine = get(make_flux_engine(config));
  render_beside(*engine, kFirst, kNext);
  EXPECT_EQ(counter(*engine, "lora_merges_total"), 1u);
  EXPECT_EQ(counter(*engine, "variants_let_go_total"), 0u);
  EXPECT_EQ(counter(*engine, "text_encodings_total"), 1u);
  EXPECT_FALSE(png_of(*engine, kNext).empty());
  EXPECT_EQ(counter(*engine, "lora_merges_total"), 2u);
}

TEST(FluxEngineAhead, WhatCannotBePreparedFailsWithItsOwnJobOnly) {
  const auto engine = get(make_flux_engine(tiny_config()));
  RenderSpec unknown = kNext;
  unknown.loras[0].name = "nobody's";
  EXPECT_FALSE(render_beside(*engine, kFirst, unknown).empty());
  RenderSpec too_long = kNext;
  too_long.max_sequence_length = 513;
  EXPECT_FALSE(render_beside(*engine, kFirst, too_long).empty());
  EXPECT_TRUE(std::holds_alternative<RenderError>(
      engine->render(too_long, smallest_reference(), nullptr).value));
  EXPECT_FALSE(png_of(*engine, kNext).empty());
}

TEST(FluxEngineAhead, AnEmbeddingMadeAheadReachesTheDisk) {
  FluxEngineConfig config = tiny_config();
  config.cache_folder =
      std::filesystem::temp_directory_path() / ("pirouette-ahead-" + std::to_string(::getpid()));
  std::filesystem::remove_all(config.cache_folder);
  {
    const auto engine = get(make_flux_engine(config));
    render_beside(*engine, kFirst, kNext);
  }
  const auto again = get(make_flux_engine(config));
  EXPECT_FALSE(png_of(*again, kNext).empty());
  EXPECT_EQ(counter(*again, "text_encodings_total"), 0u);
  std::filesystem::remove_all(config.cache_folder);
}

TEST(FluxEngineStepCache, IsInThePicturesParametersAndOneIsOff) {
  const auto engine = get(make_flux_engine(tiny_config()));
  const auto plain = png_of(*engine, kFirst);
  RenderSpec cached = kFirst;
  cached.step_cache = get(parse_step_cache("reference=1"));
  EXPECT_EQ(png_of(*engine, cached), plain);
  cached.step_cache = get(parse_step_cache("reference=2,skip=5"));
  const auto other = png_of(*engine, cached);
  EXPECT_NE(other, plain);
  const auto parameters = testing::png_texts(other).at("parameters").value;
  EXPECT_NE(parameters.find("Step cache: \"reference=2,skip=5\""), std::string::npos) << parameters;
}

TEST(FluxEngineStepCache, WithoutRoomForWhatItKeepsTheJobSaysWhatToDo) {
  FluxEngineConfig config = tiny_config();
  const flux::KontextBytes bytes = get(flux::measure({folder(), {}}, at::kFloat));
  config.residency = ResidencyMode::merged_only;
  config.memory_budget_bytes =
      (bytes.transformer + bytes.autoencoder + bytes.text_encoders) * 8 / 7 + 8;
  const auto engine = get(make_flux_engine(config));
  RenderSpec spec = kFirst;
  EXPECT_FALSE(png_of(*engine, spec).empty());
  spec.step_cache.reference_every = 2;
  const RenderOutcome outcome = engine->render(spec, smallest_reference(), nullptr);
  ASSERT_TRUE(std::holds_alternative<RenderError>(outcome.value));
  const auto& error = std::get<RenderError>(outcome.value);
  EXPECT_EQ(error.failure, Failure::worker);
  EXPECT_NE(error.what.find("raise --memory-budget"), std::string::npos) << error.what;
}

}  // namespace
}  // namespace pirouette::engine
