#pragma once
// The real engine over the tiny model, and its smallest jobs: what the engine's tests share.

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "common/files.h"
#include "tests/golden/golden.h"
#include "worker/engine/flux_engine.h"

namespace pirouette::engine::golden {

// loras: files below the tiny model's comfyui/loras, beside "turnaround".
inline FluxEngineConfig tiny_config(const std::map<std::string, std::string>& loras = {}) {
  const auto folder = flux::golden::folder();
  FluxEngineConfig config;
  config.models["tiny"] = folder;
  config.loras["turnaround"] = folder / "comfyui/loras/peft.safetensors";
  for (const auto& [name, file] : loras) config.loras[name] = folder / "comfyui/loras" / file;
  config.threads = 1;  // spinning threads fight over a busy machine
  return config;
}

inline const std::vector<std::uint8_t>& smallest_reference() {
  static const auto png =
      flux::golden::get(read_file(flux::golden::folder() / "reference_64x64.png", 1 << 20));
  return png;
}

// character: stands for a reference of its own.
inline RenderSpec smallest_pose(const std::string& prompt, const std::vector<RecipeLora>& loras,
                                const std::string& character, int steps) {
  RenderSpec spec;
  spec.model = "tiny";
  spec.loras = loras;
  spec.prompt = prompt;
  spec.reference = sha256(character);
  spec.reference_size = "64x64";
  spec.width = spec.height = 64;
  spec.steps = steps;
  spec.guidance = 2.5;
  spec.seed = 42;
  spec.max_sequence_length = 16;
  return spec;
}

inline std::vector<std::uint8_t> png_of(const RenderOutcome& outcome) {
  const auto* rendering = std::get_if<Rendering>(&outcome.value);
  EXPECT_NE(rendering, nullptr) << std::get<RenderError>(outcome.value).what;
  return rendering ? rendering->png : std::vector<std::uint8_t>{};
}

inline std::uint64_t counter(const Engine& engine, const std::string& name) {
  return nlohmann::json::parse(engine.residency())["counters"][name].get<std::uint64_t>();
}

}  // namespace pirouette::engine::golden
