// What the engine keeps, what it lets go, and what it does when memory or files go.

#include <gtest/gtest.h>

#include <new>

#include "common/files.h"
#include "common/image/image.h"
#include "tests/golden/golden.h"
#include "tests/golden/tiny_engine.h"
#include "tests/support/folder.h"
#include "worker/engine/flux_engine.h"
#include "worker/flux/kontext.h"

namespace pirouette::engine {
namespace {

namespace fs = std::filesystem;
using flux::golden::folder;
using flux::golden::get;
using golden::counter;
using golden::smallest_pose;
using golden::smallest_reference;
using nlohmann::json;

FluxEngineConfig tiny_config() {
  return golden::tiny_config(
      {{"ink", "second_peft.safetensors"}, {"attention", "xlabs_attention_only.safetensors"}});
}

// The smallest picture, and one step: these tests look at what is kept.
RenderSpec pose(const std::string& prompt, const std::vector<RecipeLora>& loras,
                const std::string& character = "knight") {
  return smallest_pose(prompt, loras, character, /*steps=*/1);
}

RenderOutcome render(Engine& engine, const RenderSpec& spec, const ProgressFn& progress = nullptr) {
  return engine.render(spec, smallest_reference(), progress);
}

std::vector<std::uint8_t> png_of(Engine& engine, const RenderSpec& spec) {
  return golden::png_of(render(engine, spec));
}

RenderError error_of(Engine& engine, const RenderSpec& spec, const ProgressFn& progress = nullptr) {
  const RenderOutcome outcome = render(engine, spec, progress);
  const auto* error = std::get_if<RenderError>(&outcome.value);
  EXPECT_NE(error, nullptr) << "it rendered";
  return error ? *error : RenderError{};
}

json resident(const Engine& engine) { return json::parse(engine.residency()); }

flux::KontextBytes tiny_bytes() { return get(flux::measure({folder(), {}}, at::kFloat)); }

// A budget whose seven eighths, what stays in memory, are so much.
std::uint64_t budget_for(std::uint64_t standing) { return standing * 8 / 7 + 8; }

const std::vector<RecipeLora> kTurnaround = {{"turnaround", 1.0, ""}};
const std::vector<RecipeLora> kInk = {{"ink", 1.0, ""}};

TEST(FluxEngineResidency, TheBudgetChoosesTheMode) {
  const flux::KontextBytes bytes = tiny_bytes();
  const std::uint64_t base = bytes.transformer + bytes.autoencoder;
  const auto mode_with = [](std::uint64_t budget) {
    FluxEngineConfig config = tiny_config();
    config.memory_budget_bytes = budget;
    const auto engine = get(make_flux_engine(config));
    png_of(*engine, pose("front", kTurnaround));
    return resident(*engine)["models"][0]["mode"].get<std::string>();
  };
  const std::uint64_t passing = std::max(base / 7, bytes.text_encoders);
  EXPECT_EQ(mode_with(0), "pristine on device");
  EXPECT_EQ(mode_with((base + bytes.transformer + passing) * 8 / 7), "pristine on device");
  EXPECT_EQ(mode_with(base + passing + base / 7), "merged only");

  FluxEngineConfig config = tiny_config();
  config.memory_budget_bytes = base;
  const RenderError error = error_of(*get(make_flux_engine(config)), pose("front", {}));
  EXPECT_EQ(error.failure, Failure::worker);
  EXPECT_NE(error.what.find("raise --memory-budget"), std::string::npos) << error.what;
}

TEST(FluxEngineResidency, EveryModeRendersTheSamePictures) {
  std::vector<std::vector<std::uint8_t>> wanted;
  for (const ResidencyMode mode : {ResidencyMode::pristine_on_device,
                                   ResidencyMode::pristine_on_host, ResidencyMode::merged_only}) {
    FluxEngineConfig config = tiny_config();
    config.residency = mode;
    const auto engine = get(make_flux_engine(config));
    std::vector<std::vector<std::uint8_t>> pictures;
    for (const auto& loras : {kTurnaround, kInk, std::vector<RecipeLora>{}, kTurnaround})
      pictures.push_back(png_of(*engine, pose("front", loras)));
    EXPECT_EQ(pictures[0], pictures[3]);
    EXPECT_NE(pictures[0], pictures[1]);
    EXPECT_NE(pictures[1], pictures[2]);
    if (wanted.empty()) wanted = pictures;
    EXPECT_EQ(pictures, wanted);
    EXPECT_EQ(resident(*engine)["models"][0]["mode"], name(mode));
    const bool beside = mode == ResidencyMode::pristine_on_device;
    EXPECT_EQ(counter(*engine, "lora_merges_total"), beside ? 2u : 3u);
    EXPECT_EQ(resident(*engine)["models"][0]["variants"].size(), beside ? 2u : 1u);
  }
}

TEST(FluxEngineResidency, TheVariantUsedLongestAgoIsLetGo) {
  flux::Kontext kontext = get(flux::Kontext::load({folder(), {}}, at::kFloat));
  const auto bytes_of = [&](const std::string& lora) {
    return get(kontext.variants().bytes_to_merge(
        {{get(flux::load_lora(tiny_config().loras.at(lora))), 1.0}}));
  };
  const flux::KontextBytes bytes = tiny_bytes();
  FluxEngineConfig config = tiny_config();
  config.residency = ResidencyMode::pristine_on_device;
  config.memory_budget_bytes =
      budget_for(bytes.transformer + bytes.autoencoder + bytes_of("turnaround") + bytes_of("ink"));
  const auto engine = get(make_flux_engine(config));
  const std::vector<RecipeLora> attention = {{"attention", 1.0, ""}};
  const auto first = png_of(*engine, pose("front", kTurnaround));
  png_of(*engine, pose("front", kInk));
  EXPECT_EQ(counter(*engine, "variants_let_go_total"), 0u);
  png_of(*engine, pose("front", kTurnaround));
  png_of(*engine, pose("front", attention));  // ink goes
  EXPECT_EQ(counter(*engine, "variants_let_go_total"), 1u);
  EXPECT_EQ(counter(*engine, "lora_merges_total"), 3u);
  EXPECT_EQ(png_of(*engine, pose("front", kTurnaround)), first);
  EXPECT_EQ(counter(*engine, "lora_merges_total"), 3u);  // it was there
  const json said = resident(*engine);
  EXPECT_EQ(said["models"][0]["variants"].size(), 2u);
  EXPECT_LE(said["memory"]["held_bytes"], said["memory"]["budget_bytes"]);
}

TEST(FluxEngineResidency, AnotherModelTakesTheRoomOfTheFirst) {
  const flux::KontextBytes bytes = tiny_bytes();
  FluxEngineConfig config = tiny_config();
  config.models["other"] = folder();
  config.residency = ResidencyMode::merged_only;
  config.memory_budget_bytes = budget_for(bytes.transformer + bytes.autoencoder);
  const auto engine = get(make_flux_engine(config));
  png_of(*engine, pose("front", {}));
  RenderSpec other = pose("front", {});
  other.model = "other";
  png_of(*engine, other);
  EXPECT_EQ(resident(*engine)["models"].size(), 1u);
  EXPECT_EQ(resident(*engine)["model"], "other");
  // The same files: its prompt and its reference were known.
  EXPECT_EQ(counter(*engine, "text_encodings_total"), 1u);
  EXPECT_EQ(counter(*engine, "reference_cache_hits_total"), 1u);
}

TEST(FluxEngineResidency, CharactersWithTheSamePromptsEncodeThemOnce) {
  const auto engine = get(make_flux_engine(tiny_config()));
  constexpr int kCharacters = 12;
  for (int character = 0; character < kCharacters; ++character)
    for (const char* view :
         {"front", "q_left", "left", "q_back_left", "back", "q_back_right", "right", "q_right"})
      png_of(*engine, pose(view, kTurnaround, std::to_string(character)));
  EXPECT_EQ(counter(*engine, "text_encodings_total"), 8u);
  EXPECT_EQ(counter(*engine, "text_cache_hits_total"), 8u * (kCharacters - 1));
  EXPECT_EQ(counter(*engine, "reference_cache_hits_total"), 7u * kCharacters);
}

TEST(FluxEngineResidency, EmbeddingsOutliveTheWorker) {
  const TestFolder cache;
  FluxEngineConfig config = tiny_config();
  config.cache_folder = cache.path();
  const auto first = png_of(*get(make_flux_engine(config)), pose("front", kTurnaround));
  const auto next = get(make_flux_engine(config));
  EXPECT_EQ(png_of(*next, pose("front", kTurnaround)), first);
  EXPECT_EQ(counter(*next, "text_encodings_total"), 0u);
  png_of(*next, pose("back", kTurnaround));
  EXPECT_EQ(counter(*next, "text_encodings_total"), 1u);
}

TEST(FluxEngineResidency, TextEncodersGoAfterThePromptsUnlessTheyAreKept) {
  for (const bool keep : {false, true}) {
    FluxEngineConfig config = tiny_config();
    config.keep_text_encoders = keep;
    const auto engine = get(make_flux_engine(config));
    bool while_rendering = !keep;
    const auto look = [&](int, int) {
      while_rendering = resident(*engine)["models"][0]["text_encoders"];
      return true;
    };
    ASSERT_TRUE(std::holds_alternative<Rendering>(render(*engine, pose("front", {}), look).value));
    EXPECT_EQ(resident(*engine)["models"][0]["text_encoders"], keep);
    EXPECT_EQ(while_rendering, keep);
  }
}

TEST(FluxEngineResidency, OutOfMemoryFreesCachesAndTriesOnceMore) {
  const auto engine = get(make_flux_engine(tiny_config()));
  const auto wanted = png_of(*engine, pose("front", kInk));
  png_of(*engine, pose("front", kTurnaround));
  int failures = 1;
  const auto exhausted = [&](int, int) {
    if (failures-- > 0) throw std::bad_alloc();
    return true;
  };
  const RenderOutcome outcome = render(*engine, pose("front", kInk), exhausted);
  ASSERT_TRUE(std::holds_alternative<Rendering>(outcome.value));
  EXPECT_EQ(std::get<Rendering>(outcome.value).png, wanted);
  EXPECT_EQ(counter(*engine, "out_of_memory_total"), 1u);
  EXPECT_EQ(counter(*engine, "model_loads_total"), 1u);              // the job's model stayed
  EXPECT_EQ(resident(*engine)["models"][0]["variants"].size(), 1u);  // the other variant went
}

TEST(FluxEngineResidency, OutOfMemoryTwiceIsRetryableAndTheWorkerWorksOn) {
  const auto engine = get(make_flux_engine(tiny_config()));
  const auto wanted = png_of(*engine, pose("front", kTurnaround));
  const auto exhausted = [](int, int) -> bool { throw std::bad_alloc(); };
  const RenderError error = error_of(*engine, pose("front", kTurnaround), exhausted);
  EXPECT_EQ(error.failure, Failure::retryable);
  EXPECT_NE(error.what.find("out of memory"), std::string::npos);
  EXPECT_EQ(resident(*engine)["models"].size(), 0u);
  EXPECT_EQ(resident(*engine)["memory"]["held_bytes"], 0u);
  EXPECT_EQ(png_of(*engine, pose("front", kTurnaround)), wanted);
  EXPECT_EQ(counter(*engine, "model_loads_total"), 2u);
}

// The model's folder as hard copies, so that a test may change them.
fs::path copy_model(const fs::path& to) {
  for (const char* part : {"model_index.json", "transformer", "vae", "text_encoder",
                           "text_encoder_2", "tokenizer", "tokenizer_2", "scheduler"})
    fs::copy(folder() / part, to / part, fs::copy_options::recursive);
  return to;
}

TEST(FluxEngineResidency, AModelFileThatChangesIsReadAgain) {
  const TestFolder copy;
  FluxEngineConfig config = tiny_config();
  config.models["tiny"] = copy_model(copy.path());
  config.residency = ResidencyMode::merged_only;
  const auto engine = get(make_flux_engine(config));
  const auto before = png_of(*engine, pose("front", kTurnaround));
  const fs::path file = copy.path() / "vae/diffusion_pytorch_model.safetensors";
  flux::Tensors tensors = get(flux::load_checkpoint(file)).tensors;
  tensors.at("decoder.conv_out.bias") = tensors.at("decoder.conv_out.bias") + 0.5;
  get(flux::save_safetensors(file, tensors));  // by a rename, as a download does
  EXPECT_NE(png_of(*engine, pose("front", kTurnaround)), before);
  EXPECT_EQ(counter(*engine, "model_loads_total"), 2u);
  EXPECT_EQ(counter(*engine, "reference_cache_hits_total"), 0u);  // of another autoencoder
}

TEST(FluxEngineResidency, AModelFileThatIsGoneIsTheWorkersFailure) {
  const TestFolder copy;
  FluxEngineConfig config = tiny_config();
  config.models["tiny"] = copy_model(copy.path());
  const auto engine = get(make_flux_engine(config));
  const auto before = png_of(*engine, pose("front", kTurnaround));
  const fs::path file = copy.path() / "text_encoder_2/model.safetensors";
  fs::rename(file, copy.path() / "away");
  const RenderError error = error_of(*engine, pose("front", kTurnaround));
  EXPECT_EQ(error.failure, Failure::worker);
  EXPECT_NE(error.what.find("model tiny: " + file.string() + " is gone"), std::string::npos)
      << error.what;
  fs::rename(copy.path() / "away", file);
  EXPECT_EQ(png_of(*engine, pose("front", kTurnaround)), before);
  EXPECT_EQ(counter(*engine, "model_loads_total"), 1u);
}

TEST(FluxEngineResidency, ALoraFileThatChangesIsMergedAnewAndOneThatIsGoneFails) {
  const TestFolder copy;
  FluxEngineConfig config = tiny_config();
  const fs::path file = config.loras["turnaround"] = copy.path() / "turnaround.safetensors";
  fs::copy(tiny_config().loras.at("turnaround"), file);
  const auto engine = get(make_flux_engine(config));
  const auto before = png_of(*engine, pose("front", kTurnaround));
  fs::copy(tiny_config().loras.at("ink"), copy.path() / "new");
  fs::rename(copy.path() / "new", file);
  const RenderOutcome outcome = render(*engine, pose("front", kTurnaround));
  ASSERT_TRUE(std::holds_alternative<Rendering>(outcome.value));
  const auto ink = png_of(*engine, pose("front", kInk));  // its texts have another name
  EXPECT_EQ(get(decode_png(std::get<Rendering>(outcome.value).png)).pixels,
            get(decode_png(ink)).pixels);
  const json metrics = json::parse(std::get<Rendering>(outcome.value).metrics);
  EXPECT_EQ(metrics["loras"][0]["sha256"], to_hex(sha256(get(read_file(file, 1 << 20)))));
  fs::remove(file);
  const RenderError error = error_of(*engine, pose("front", kTurnaround));
  EXPECT_EQ(error.failure, Failure::worker);
  EXPECT_NE(error.what.find("LoRA turnaround: " + file.string() + " is not there"),
            std::string::npos)
      << error.what;
}

}  // namespace
}  // namespace pirouette::engine
