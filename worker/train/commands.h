#pragma once
// pirouette-train's commands: init writes a new model; autoencoder, model and lora train. A command
// is a wall: libtorch's exceptions become errors here.

#include <CLI/CLI.hpp>
#include <memory>

#include "common/result.h"

namespace pirouette::train {

class Commands {
 public:
  explicit Commands(CLI::App& app);
  ~Commands();

  // After the command line is parsed.
  Result<void> run();

 private:
  struct Init;
  struct Autoencoder;
  struct Model;
  struct Lora;
  CLI::App& app_;
  std::unique_ptr<Init> init_;
  std::unique_ptr<Autoencoder> autoencoder_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Lora> lora_;
};

}  // namespace pirouette::train
