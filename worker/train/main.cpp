// pirouette-train: trains LoRAs for the farm's model, and small models from scratch
// (docs/training.md).

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>

#include "common/log.h"
#include "worker/train/commands.h"

namespace {

std::atomic<bool> is_stopped = false;
static_assert(std::atomic<bool>::is_always_lock_free);

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Trains turnaround LoRAs, and small models, for Pirouette's workers."};
  app.require_subcommand(1);
  pirouette::train::Commands commands(app, &is_stopped);
  CLI11_PARSE(app, argc, argv);
  // The first asks for a checkpoint; a second ends the program as ever.
  for (const int signal : {SIGTERM, SIGINT})
    std::signal(signal, [](int raised) {
      is_stopped = true;
      std::signal(raised, SIG_DFL);
    });
  const pirouette::Result<void> outcome = commands.run();
  if (outcome.ok()) return 0;
  pirouette::log::error("train", outcome.error().what);
  return 1;
}
