#pragma once
// `pirouette-worker render`: one picture without a farm.

#include <CLI/CLI.hpp>
#include <memory>

#include "common/result.h"

namespace pirouette {

class RenderCommand {
 public:
  // Adds the subcommand `render` with its options to app.
  explicit RenderCommand(CLI::App& app);
  ~RenderCommand();

  // After parsing. Renders and writes the picture; an error says what to change.
  Result<void> run();

 private:
  struct Options;
  Result<void> render() const;
  std::unique_ptr<Options> options_;
};

}  // namespace pirouette
