#pragma once
// `pirouette-worker inspect`: what a file or folder is, and whether this engine takes it. The
// option set and what it does; main.cpp joins it to the program.

#include <filesystem>
#include <string>

#include "common/result.h"
#include "worker/flux/inspection.h"

namespace CLI {
class App;
}

namespace pirouette {

// For people, a line each; the metadata's long values cut.
std::string describe(const flux::Inspection& seen);

// For programs; one object, indented.
std::string describe_json(const flux::Inspection& seen);

class InspectCommand {
 public:
  // Adds the subcommand; this object must outlive the app's parsing.
  explicit InspectCommand(CLI::App& app);

  // Prints on standard output. An error only where nothing can be said of the path.
  Result<void> run() const;

 private:
  std::filesystem::path path_;
  bool json_ = false;
};

}  // namespace pirouette
