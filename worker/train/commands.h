#pragma once
// pirouette-train's commands: init writes a new model; autoencoder, model and lora train; export
// writes what is shipped. A command is a wall: libtorch's exceptions become errors here.

#include <CLI/CLI.hpp>
#include <atomic>
#include <memory>

#include "common/result.h"

namespace pirouette::train {

class Commands {
 public:
  // stop: set where a training shall write a checkpoint and end.
  explicit Commands(CLI::App& app, const std::atomic<bool>* stop = nullptr);
  ~Commands();

  // After the command line is parsed.
  Result<void> run();

 private:
  struct Init;
  struct Autoencoder;
  struct Model;
  struct Lora;
  struct Export;
  CLI::App& app_;
  std::unique_ptr<Init> init_;
  std::unique_ptr<Autoencoder> autoencoder_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Lora> lora_;
  std::unique_ptr<Export> export_;
};

}  // namespace pirouette::train
