// Measures how a base model follows edits of characters that it never saw, and that it turns nobody
// by itself. Prints one table; exit code 2: it could not be tried.
//
//   bench_edits --model deploy/models/mini-kontext --pictures edits.png

#include <CLI/CLI.hpp>
#include <cstdio>

#include "tests/bench/edits/contact_sheet.h"
#include "tests/bench/edits/report.h"
#include "tests/bench/engines/pictures.h"

namespace pirouette::bench {
namespace {

struct Options {
  EditSetup setup;
  int shown = 4;
  std::string size = "192x288";
  std::filesystem::path pictures;
};

void declare(CLI::App& app, Options& o) {
  add_drawing_options(app, o.setup, o.size);
  app.add_option("--edits", o.setup.edits, "of each kind")
      ->check(CLI::Range(1, 200))
      ->capture_default_str();
  app.add_option("--pictures", o.pictures, "PNG for a contact sheet: before, after, drawn");
  app.add_option("--shown", o.shown, "edits of each kind on it")
      ->check(CLI::Range(1, 40))
      ->capture_default_str();
}

Result<void> measure(Options& options) {
  options.setup.size = TRY(parse_size(options.size));
  const std::vector<JudgedEdit> edits = TRY(run(options.setup));
  report(options.setup, edits);
  if (!options.pictures.empty()) TRY(write_contact_sheet(edits, options.shown, options.pictures));
  return {};
}

}  // namespace
}  // namespace pirouette::bench

int main(int argc, char** argv) {
  pirouette::bench::Options options;
  CLI::App app{"Measures how a model follows edits of characters that it never saw."};
  pirouette::bench::declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const auto measured = pirouette::bench::measure(options);
  if (measured.ok()) return 0;
  std::fprintf(stderr, "bench_edits: %s\n", measured.error().what.c_str());
  return 2;
}
