// Proves a model and its turnaround LoRA on characters that it never saw, from all eight sides,
// against the renderer's truth. Prints one table; exit code 0: all that is wanted was reached, 1:
// not all, 2: it could not be tried.
//
//   bench_turnaround --model deploy/models/mini-kontext
//     --lora deploy/models/turnaround-mini/pytorch_lora_weights.safetensors --device cuda

#include <CLI/CLI.hpp>
#include <cstdio>

#include "tests/bench/engines/pictures.h"
#include "tests/bench/turnaround/contact_sheets.h"
#include "tests/bench/turnaround/report.h"
#include "tests/bench/turnaround/trial.h"

namespace pirouette::bench {
namespace {

struct Options {
  Setup setup;
  int characters = 200, control_characters = 40, shown = 12;
  std::vector<double> scales = {1, 0.5, 0};
  std::string size = "192x288";
  std::filesystem::path pictures, json;
};

void declare(CLI::App& app, Options& o) {
  add_drawing_options(app, o.setup, o.size);
  app.add_option("--lora", o.setup.engine.lora,
                 "the turnaround LoRA's file; needed but for --scale 0");
  app.add_option("--characters", o.characters, "at scale 1")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--control-characters", o.control_characters, "at each other scale")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--ceiling-characters", o.setup.ceiling_characters,
                 "whose truth is shown to the autoencoder alone: what it keeps")
      ->check(CLI::Range(0, 100'000))
      ->capture_default_str();
  app.add_option("--scale", o.scales, "of the LoRA, repeatable; 0: without it")
      ->capture_default_str();
  app.add_option("--pictures", o.pictures, "folder for contact sheets: truth above rendered");
  app.add_option("--shown", o.shown, "characters of each scale on contact sheets")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--json", o.json, "file for one line a picture");
}

// What CLI11 leaves to us.
Result<void> settle(Options& o) {
  o.setup.size = TRY(parse_size(o.size));
  for (const double scale : o.scales) {
    if (scale != 0 && o.setup.engine.lora.empty())
      return Error{Errc::invalid, "give --lora, or --scale 0 for the model alone"};
    o.setup.scales.push_back({scale, scale == 1 ? o.characters : o.control_characters});
  }
  return {};
}

// True: all that is wanted was reached.
Result<bool> prove(Options& options) {
  TRY(settle(options));
  const Trial trial = TRY(run(options.setup));
  const bool reached = report(options.setup, trial);
  if (!options.json.empty()) TRY(write_json_lines(trial, options.json));
  if (!options.pictures.empty()) TRY(write_contact_sheets(trial, options.shown, options.pictures));
  return reached;
}

}  // namespace
}  // namespace pirouette::bench

int main(int argc, char** argv) {
  pirouette::bench::Options options;
  CLI::App app{"Proves a turnaround model on characters that it never saw."};
  pirouette::bench::declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const auto reached = pirouette::bench::prove(options);
  if (reached.ok()) return reached.value() ? 0 : 1;
  std::fprintf(stderr, "bench_turnaround: %s\n", reached.error().what.c_str());
  return 2;
}
