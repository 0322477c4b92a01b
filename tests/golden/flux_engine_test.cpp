#include "worker/engine/flux_engine.h"

#include <cstdlib>
#include <cstring>

#include "common/files.h"
#include "common/image/image.h"
#include "common/version.h"
#include "tests/golden/golden.h"
#include "tests/golden/tiny_engine.h"
#include "tests/support/folder.h"
#include "tests/support/png_texts.h"

namespace pirouette::engine {
namespace {

using flux::golden::folder;
using flux::golden::get;
using golden::png_of;
using nlohmann::json;

FluxEngineConfig tiny_config() {
  FluxEngineConfig config = golden::tiny_config();
  config.loras["unfit"] = folder() / "vae/diffusion_pytorch_model.safetensors";  // no LoRA at all
  return config;
}

std::unique_ptr<Engine> tiny_engine() { return get(make_flux_engine(tiny_config())); }

std::vector<std::uint8_t> reference() {
  return get(read_file(folder() / "reference_64x96.png", 1 << 20));
}

RenderSpec pose(const std::string& view) {
  RenderSpec spec;
  spec.model = "tiny";
  spec.loras = {{"turnaround", 1.0, ""}};
  spec.prompt = view + " of the character, full body, A-pose";
  spec.reference = sha256(reference());
  spec.reference_size = "64x96";
  spec.width = 64;
  spec.height = 96;
  spec.steps = 2;
  spec.guidance = 2.5;
  spec.seed = 42;
  spec.max_sequence_length = 64;
  return spec;
}

RenderOutcome render(Engine& engine, const RenderSpec& spec) {
  return engine.render(spec, reference(), nullptr);
}

RenderError error_of(const RenderOutcome& outcome) {
  const auto* error = std::get_if<RenderError>(&outcome.value);
  EXPECT_NE(error, nullptr) << "it rendered";
  return error ? *error : RenderError{};
}

std::uint64_t counter(const Engine& engine, const std::string& name) {
  return json::parse(engine.residency())["counters"][name].get<std::uint64_t>();
}

TEST(FluxEngine, SixPosesOfACharacterLoadAndMergeOnce) {
  const auto engine = tiny_engine();
  EXPECT_EQ(counter(*engine, "model_loads_total"), 0u);  // only for the first job
  for (const std::string view : {"front", "q_left", "left", "back", "right", "q_right"}) {
    png_of(render(*engine, pose(view)));
  }
  EXPECT_EQ(counter(*engine, "model_loads_total"), 1u);
  EXPECT_EQ(counter(*engine, "lora_merges_total"), 1u);
  EXPECT_EQ(counter(*engine, "text_cache_hits_total"), 0u);
  EXPECT_EQ(counter(*engine, "reference_cache_hits_total"), 5u);
  EXPECT_EQ(counter(*engine, "renders_total"), 6u);
  const json residency = json::parse(engine->residency());
  EXPECT_EQ(residency["model"], "tiny");
  EXPECT_EQ(residency["loras"][0]["name"], "turnaround");
}

TEST(FluxEngine, SameSpecGivesTheSameBytesFromCachesOrAnew) {
  const auto engine = tiny_engine();
  const auto first = png_of(render(*engine, pose("front")));
  EXPECT_EQ(png_of(render(*engine, pose("front"))), first);
  EXPECT_EQ(counter(*engine, "text_cache_hits_total"), 1u);
  EXPECT_EQ(png_of(render(*tiny_engine(), pose("front"))), first);
  RenderSpec other = pose("front");
  other.seed = 43;
  EXPECT_NE(png_of(render(*engine, other)), first);
}

TEST(FluxEngine, RendersTheReferencesPictureAndSaysHow) {
  const auto engine = tiny_engine();
  RenderSpec spec = pose("front view");
  spec.steps = 4;
  const RenderOutcome outcome = render(*engine, spec);
  const Image image = get(decode_png(png_of(outcome)));
  const Image expected = get(decode_png(get(read_file(folder() / "expected_lora.png", 1 << 20))));
  ASSERT_EQ(image.pixels.size(), expected.pixels.size());
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    ASSERT_LE(std::abs(image.pixels[i] - expected.pixels[i]), 1) << i;
  }
  const json metrics = json::parse(std::get<Rendering>(outcome.value).metrics);
  EXPECT_EQ(metrics["device"], "cpu");
  const std::string lora =
      to_hex(sha256(get(read_file(tiny_config().loras["turnaround"], 16 << 20))));
  EXPECT_EQ(metrics["loras"][0]["sha256"], lora);
  const std::string model = metrics["model_hash"];
  EXPECT_EQ(model.size(), 64u);
  const auto texts = testing::png_texts(png_of(outcome));
  EXPECT_NE(texts.at("parameters").value.find("Model hash: " + model.substr(0, 10) + ", "),
            std::string::npos)
      << texts.at("parameters").value;
  EXPECT_TRUE(texts.at("parameters").value.ends_with("Version: " + std::string(tool_name())));
  EXPECT_TRUE(texts.contains("XML:com.adobe.xmp"));
  EXPECT_GT(metrics["seconds"]["denoise_and_decode"].get<double>(), 0.0);
}

TEST(FluxEngine, ChangeOfLorasMergesOnceAVariantAndLeavesTheModelLoaded) {
  const auto engine = tiny_engine();
  const auto full = png_of(render(*engine, pose("front")));
  RenderSpec plain = pose("front");
  plain.loras.clear();
  EXPECT_NE(png_of(render(*engine, plain)), full);
  EXPECT_EQ(png_of(render(*engine, pose("front"))), full);  // nothing drifted
  EXPECT_EQ(counter(*engine, "model_loads_total"), 1u);
  EXPECT_EQ(counter(*engine, "lora_merges_total"),
            1u);  // pristine and merged lie beside each other
}

TEST(FluxEngine, WhatThisWorkerLacksIsNamedWithWhatItHas) {
  const auto engine = tiny_engine();
  RenderSpec spec = pose("front");
  spec.model = "huge";
  EXPECT_EQ(error_of(render(*engine, spec)).failure, Failure::worker);
  EXPECT_EQ(error_of(render(*engine, spec)).what,
            "this worker has no model \"huge\"; it has: tiny");
  spec = pose("front");
  spec.loras[0].name = "other";
  EXPECT_EQ(error_of(render(*engine, spec)).failure, Failure::worker);
  EXPECT_NE(error_of(render(*engine, spec)).what.find("turnaround"), std::string::npos);
}

TEST(FluxEngine, JobThatCannotWorkIsTheJobsFailure) {
  const auto engine = tiny_engine();
  RenderSpec unfit = pose("front");
  unfit.loras[0].name = "unfit";
  EXPECT_EQ(error_of(render(*engine, unfit)).failure, Failure::job);
  const RenderOutcome broken = engine->render(pose("front"), {1, 2, 3}, nullptr);
  EXPECT_EQ(error_of(broken).failure, Failure::job);
  EXPECT_NE(error_of(broken).what.find("reference"), std::string::npos);
  RenderSpec odd = pose("front");
  odd.width = 65;
  EXPECT_EQ(error_of(render(*engine, odd)).failure, Failure::job);
  RenderSpec long_winded = pose("front");
  long_winded.max_sequence_length = 513;
  EXPECT_EQ(error_of(render(*engine, long_winded)).failure, Failure::job);
  png_of(render(*engine, pose("front")));  // and the engine goes on
}

TEST(FluxEngine, PictureOfNoNumbersIsAFailure) {
  const auto engine = tiny_engine();
  RenderSpec spec = pose("front");
  spec.loras[0].scale = 1e30;
  const RenderError error = error_of(render(*engine, spec));
  EXPECT_EQ(error.failure, Failure::retryable);
  EXPECT_NE(error.what.find("not finite"), std::string::npos) << error.what;
}

// The tiny model in folder, its autoencoder decoding to what is no number.
void copy_with_broken_decoder(const std::filesystem::path& to) {
  namespace fs = std::filesystem;
  fs::copy(folder(), to, fs::copy_options::recursive);
  const fs::path file = to / "vae/diffusion_pytorch_model.safetensors";
  auto bytes = get(read_file(file, 64 << 20));
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  const json tensors =
      json::parse(bytes.begin() + 8, bytes.begin() + 8 + static_cast<long>(header));
  for (const auto& [name, tensor] : tensors.items()) {
    if (!name.starts_with("decoder.")) continue;
    const auto from = tensor["data_offsets"][0].get<std::size_t>() + 8 + header;
    std::fill(bytes.begin() + static_cast<long>(from),
              bytes.begin() +
                  static_cast<long>(tensor["data_offsets"][1].get<std::size_t>() + 8 + header),
              std::uint8_t{0xff});  // all ones is no number, in whatever float
  }
  get(write_file_durably(file, bytes));
}

TEST(FluxEngine, PictureThatDecodesToNoNumbersIsAFailure) {
  const TestFolder temporary;
  copy_with_broken_decoder(temporary / "model");
  FluxEngineConfig config = tiny_config();
  config.models["tiny"] = temporary / "model";
  const RenderError error = error_of(render(*get(make_flux_engine(config)), pose("front")));
  EXPECT_EQ(error.failure, Failure::retryable);
  EXPECT_NE(error.what.find("not finite"), std::string::npos) << error.what;
}

TEST(FluxEngine, ProgressIsToldAndCanStop) {
  const auto engine = tiny_engine();
  int told = 0;
  const auto stop_at_once = [&told](int step, int of) {
    told = step;
    EXPECT_EQ(of, 2);
    return false;
  };
  const RenderError error = error_of(engine->render(pose("front"), reference(), stop_at_once));
  EXPECT_TRUE(error.cancelled);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(counter(*engine, "renders_total"), 0u);
}

TEST(FluxEngine, WrongPathsAreFoundBeforeTheFirstJob) {
  FluxEngineConfig config = tiny_config();
  config.models["tiny"] = folder() / "nowhere";
  EXPECT_EQ(make_flux_engine(config).error().code, Errc::not_found);
  config.models["tiny"] = folder() / "vae";
  EXPECT_NE(make_flux_engine(config).error().what.find("model_index.json"), std::string::npos);
  config = tiny_config();
  config.loras["turnaround"] = folder() / "cases.json";
  EXPECT_EQ(make_flux_engine(config).error().code, Errc::invalid);
  config = tiny_config();
  config.dtype = "float8";
  EXPECT_NE(make_flux_engine(config).error().what.find("float8"), std::string::npos);
}

}  // namespace
}  // namespace pirouette::engine
