#pragma once
// The worker's own engines beside each other, for proofs that render many pictures with one model
// and judge them.

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/image/image.h"
#include "common/job/recipe.h"
#include "tests/judge/panel.h"
#include "worker/engine/engine.h"

namespace pirouette::bench {

// Under these names jobs ask for it.
inline constexpr const char* kModel = "model";
inline constexpr const char* kLora = "turnaround";

struct EngineSetup {
  std::filesystem::path model, lora;  // lora: none where none is asked for
  std::string device = "cpu", dtype;  // dtype: bfloat16 on a GPU, float32 on a CPU unless given
  int threads = 1;                    // each with an engine of its own; CPUs' cores are shared out
  std::string precision() const;
};

// What is drawn with them, and how.
struct DrawingSetup {
  EngineSetup engine;
  judge::Size size;
  int steps = 12, sequence_length = 160;
  double guidance = 2.5;
  std::uint64_t first = 1'000'000;  // seed of the first character; training takes small ones
};

// The options of all that but the LoRA. size: for parse_size().
void add_drawing_options(CLI::App& app, DrawingSetup& setup, std::string& size);

// Calls work for every index below count, on as many threads as setup says, each with an engine of
// its own; counts on stderr what is done. The first error ends them all.
using EngineWork = std::function<Result<void>(engine::Engine& engine, std::size_t index)>;
Result<void> on_engines(const EngineSetup& setup, std::size_t count, const EngineWork& work);

// The picture of that job. One of a single colour is a result here, the model's own and a wrong
// one: black, and told on stderr under that name.
Result<Image> draw(engine::Engine& engine, const RenderSpec& spec,
                   const std::vector<std::uint8_t>& reference, const std::string& name);

}  // namespace pirouette::bench
