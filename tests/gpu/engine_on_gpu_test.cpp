// The worker's engine on a device: what it says of it, and what it does when memory runs out.

#include <c10/cuda/CUDACachingAllocator.h>

#include "common/files.h"
#include "common/hash.h"
#include "tests/gpu/gpu.h"
#include "worker/engine/flux_engine.h"

namespace pirouette::engine {
namespace {

using flux::golden::folder;
using flux::golden::get;
using nlohmann::json;

std::unique_ptr<Engine> tiny_engine() {
  FluxEngineConfig config;
  config.models["tiny"] = folder();
  config.loras["turnaround"] = folder() / "comfyui/loras/peft.safetensors";
  config.device = "cuda:0";
  config.dtype = "bfloat16";
  return get(make_flux_engine(config));
}

RenderOutcome render(Engine& engine) {
  const auto reference = get(read_file(folder() / "reference_64x96.png", 1 << 20));
  RenderSpec spec;
  spec.model = "tiny";
  spec.loras = {{"turnaround", 1.0, ""}};
  spec.prompt = "back view";
  spec.reference = sha256(reference);
  spec.reference_size = "64x96";
  spec.width = 64;
  spec.height = 96;
  spec.steps = 3;
  spec.guidance = 2.5;
  spec.seed = 42;
  spec.max_sequence_length = 64;
  return engine.render(spec, reference, nullptr);
}

TEST(EngineOnGpu, SaysWhatItRunsOnAndHowMuchThereIs) {
  const auto engine = tiny_engine();
  const Device device = engine->device();
  EXPECT_EQ(device.kind, "cuda");
  EXPECT_FALSE(device.name.empty());
  const auto memory = flux::ask_memory(flux::gpu::device());
  EXPECT_EQ(device.memory_bytes, memory.total_bytes);
  EXPECT_GT(memory.free_bytes, 0u);
  EXPECT_LT(memory.free_bytes, memory.total_bytes);
  const auto budget =
      json::parse(engine->residency())["memory"]["budget_bytes"].get<std::uint64_t>();
  EXPECT_GT(budget, memory.total_bytes / 2);
  EXPECT_LE(budget, memory.total_bytes);
}

TEST(EngineOnGpu, ADeviceThatIsNotThereIsSaid) {
  FluxEngineConfig config;
  config.device = "cuda:99";
  const auto engine = make_flux_engine(config);
  ASSERT_FALSE(engine.ok());
  EXPECT_NE(engine.error().what.find("cuda:99"), std::string::npos);
}

TEST(EngineOnGpu, TheSameJobTwiceGivesTheSameBytes) {
  const auto engine = tiny_engine();
  const RenderOutcome first = render(*engine), second = render(*engine);
  ASSERT_TRUE(std::holds_alternative<Rendering>(first.value))
      << std::get<RenderError>(first.value).what;
  EXPECT_EQ(std::get<Rendering>(first.value).png, std::get<Rendering>(second.value).png);
}

// Segments of fixed sizes leave holes that no later tensor fits in.
TEST(EngineOnGpu, TheAllocatorsSegmentsGrow) {
  const auto kept = flux::gpu::random({1 << 20});
  const auto snapshot = c10::cuda::CUDACachingAllocator::snapshot();
  ASSERT_FALSE(snapshot.segments.empty());
  for (const auto& segment : snapshot.segments) EXPECT_TRUE(segment.is_expandable);
}

TEST(EngineOnGpu, OutOfMemoryFailsTheJobAndTheNextOneRenders) {
  const auto engine = tiny_engine();
  flux::give_back_memory(flux::gpu::device());
  c10::cuda::CUDACachingAllocator::setMemoryFraction(1e-6, 0);
  const RenderOutcome starved = render(*engine);
  c10::cuda::CUDACachingAllocator::setMemoryFraction(1.0, 0);
  ASSERT_TRUE(std::holds_alternative<RenderError>(starved.value));
  EXPECT_EQ(std::get<RenderError>(starved.value).failure, Failure::retryable);
  EXPECT_NE(std::get<RenderError>(starved.value).what.find("out of memory"), std::string::npos);
  EXPECT_EQ(json::parse(engine->residency())["counters"]["out_of_memory_total"], 2);
  const RenderOutcome fed = render(*engine);
  EXPECT_TRUE(std::holds_alternative<Rendering>(fed.value))
      << std::get<RenderError>(fed.value).what;
}

}  // namespace
}  // namespace pirouette::engine
