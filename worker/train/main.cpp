// pirouette-train: trains LoRAs for the farm's model, and small models from scratch
// (docs/training.md).

#include <CLI/CLI.hpp>

#include "common/log.h"
#include "worker/train/commands.h"

int main(int argc, char** argv) {
  CLI::App app{"Trains turnaround LoRAs, and small models, for Pirouette's workers."};
  app.require_subcommand(1);
  pirouette::train::Commands commands(app);
  CLI11_PARSE(app, argc, argv);
  const pirouette::Result<void> outcome = commands.run();
  if (outcome.ok()) return 0;
  pirouette::log::error("train", outcome.error().what);
  return 1;
}
