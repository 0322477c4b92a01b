#include "tests/bench/engines/engines.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>

#include "tests/bench/engines/threads.h"
#include "worker/engine/flux_engine.h"

namespace pirouette::bench {
namespace {

using engine::Engine;

// One engine after the other is made: that asks the device what is free.
Result<std::unique_ptr<Engine>> make_engine(const EngineSetup& setup) {
  static std::mutex one_by_one;
  const std::scoped_lock lock(one_by_one);
  engine::FluxEngineConfig config;
  config.models[kModel] = setup.model;
  if (!setup.lora.empty()) config.loras[kLora] = setup.lora;
  config.device = setup.device;
  config.dtype = setup.precision();
  const auto cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  config.threads = std::max(1, cores / setup.threads);
  config.keep_text_encoders = true;  // nearly every prompt is another one
  return engine::make_flux_engine(config);
}

}  // namespace

std::string EngineSetup::precision() const {
  if (!dtype.empty()) return dtype;
  return device.starts_with("cuda") ? "bfloat16" : "float32";
}

void add_drawing_options(CLI::App& app, DrawingSetup& setup, std::string& size) {
  EngineSetup& engine = setup.engine;
  app.add_option("--model", engine.model, "as pirouette-worker render takes it")->required();
  app.add_option("--device", engine.device, "cpu, cuda, cuda:1 …")->capture_default_str();
  app.add_option("--dtype", engine.dtype, "bfloat16 on a GPU, float32 on a CPU unless given")
      ->check(CLI::IsMember({"float32", "bfloat16"}));
  app.add_option("--threads", engine.threads, "each with an engine of its own")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--first", setup.first, "seed of the first character")->capture_default_str();
  app.add_option("--size", size, "WxH")->capture_default_str();
  app.add_option("--steps", setup.steps)->check(CLI::Range(1, 200))->capture_default_str();
  app.add_option("--guidance", setup.guidance)->capture_default_str();
  app.add_option("--sequence-length", setup.sequence_length, "T5 tokens")
      ->check(CLI::Range(1, 512))
      ->capture_default_str();
}

Result<void> on_engines(const EngineSetup& setup, std::size_t count, const EngineWork& work) {
  std::atomic<std::size_t> done = 0;
  const auto ended = on_threads(setup.threads, count, [&](const Next& next) -> Result<void> {
    const std::unique_ptr<Engine> engine = TRY(make_engine(setup));
    while (const auto index = next()) {
      TRY(work(*engine, *index));
      std::fprintf(stderr, "\r%zu of %zu", ++done, count);
    }
    return {};
  });
  std::fprintf(stderr, "\n");
  return ended;
}

Result<Image> draw(Engine& engine, const RenderSpec& spec,
                   const std::vector<std::uint8_t>& reference, const std::string& name) {
  const engine::RenderOutcome outcome = engine.render(spec, reference, nullptr);
  if (const auto* rendering = std::get_if<engine::Rendering>(&outcome.value))
    return decode_png(rendering->png);
  const auto& error = std::get<engine::RenderError>(outcome.value);
  if (error.what.find("flat") == error.what.npos) return Error{Errc::invalid, error.what};
  std::fprintf(stderr, "%s: %s\n", name.c_str(), error.what.c_str());
  const auto bytes = static_cast<std::size_t>(spec.width) * static_cast<std::size_t>(spec.height);
  return Image{spec.width, spec.height, 3, std::vector<std::uint8_t>(3 * bytes, 0)};
}

}  // namespace pirouette::bench
