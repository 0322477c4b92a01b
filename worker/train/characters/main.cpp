// `pirouette-characters`: draws seeded characters, or the demonstration's, from every side.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>

#include "common/files.h"
#include "worker/train/characters/cast.h"
#include "worker/train/characters/render.h"

namespace pirouette::characters {
namespace {

struct Options {
  std::uint64_t seed = 1;
  int count = 12, views = 8;
  std::string size = "192x288";
  std::filesystem::path out;
  bool draws_sheet = false, draws_cast = false;
};

Result<Camera> camera_of(const Options& options) {
  Camera camera;
  char after = 0;
  if (std::sscanf(options.size.c_str(), "%dx%d%c", &camera.width, &camera.height, &after) != 2 ||
      camera.width < 16 || camera.height < 16 || camera.width > 8192 || camera.height > 8192) {
    return Error{Errc::invalid, "--size " + options.size + " is no size; say WxH, such as 192x288"};
  }
  return camera;
}

Result<void> save(const Image& image, const std::filesystem::path& path) {
  const auto bytes = TRY(encode_png(image));
  return write_file_durably(path, bytes);
}

// Characters below one another, their views side by side; of one view only, eight to a row.
constexpr int kColumns = 8;

void paste(const Image& from, int column, int row, Image& onto) {
  const auto line = static_cast<std::size_t>(from.width) * 3;
  for (int y = 0; y < from.height; ++y) {
    const std::size_t at =
        static_cast<std::size_t>(row * from.height + y) * static_cast<std::size_t>(onto.width) * 3 +
        static_cast<std::size_t>(column) * line;
    std::copy_n(
        from.pixels.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(y) * line), line,
        onto.pixels.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

Result<void> draw_cast(const Options& options) {
  for (const Character& character : cast()) {
    Camera camera;
    camera.width = kCastWidth;
    camera.height = kCastHeight;
    TRY(save(render(build(character), camera), options.out / (character.name + ".png")));
    const std::string notes = description(character) + "\n";
    TRY(write_file_durably(options.out / (character.name + ".txt"), notes));
  }
  return {};
}

Result<void> draw_seeds(const Options& options) {
  Camera camera = TRY(camera_of(options));
  const bool is_gallery = options.views == 1;
  const int columns = is_gallery ? std::min(kColumns, options.count) : options.views;
  const int rows = is_gallery ? (options.count + columns - 1) / columns : options.count;
  Image sheet{camera.width * columns, camera.height * rows, 3, {}};
  const std::int64_t pixels = std::int64_t{sheet.width} * sheet.height;
  if (options.draws_sheet &&
      (sheet.height > kImageMaxSide || sheet.width > kImageMaxSide || pixels > kImageMaxPixels)) {
    return Error{Errc::invalid,
                 "that sheet would be larger than a picture may be; ask for fewer "
                 "characters, fewer views or a smaller size"};
  }
  if (options.draws_sheet) {
    sheet.pixels.resize(
        static_cast<std::size_t>(sheet.width) * static_cast<std::size_t>(sheet.height) * 3, 255);
  }
  for (int i = 0; i < options.count; ++i) {
    const Character character = character_of(options.seed + static_cast<std::uint64_t>(i));
    const Body body = build(character);
    std::printf("%s: %s\n", character.name.c_str(), description(character).c_str());
    for (int view = 0; view < options.views; ++view) {
      camera.azimuth_deg = 360.0 * view / options.views;
      const Image picture = render(body, camera);
      if (options.draws_sheet) {
        paste(picture, is_gallery ? i % columns : view, is_gallery ? i / columns : i, sheet);
        continue;
      }
      const int degrees = static_cast<int>(camera.azimuth_deg + 0.5);
      TRY(save(picture, options.out / (character.name + "_" + std::to_string(degrees) + ".png")));
    }
  }
  if (options.draws_sheet) TRY(save(sheet, options.out / "sheet.png"));
  return {};
}

Result<void> run(const Options& options) {
  std::error_code failed;
  std::filesystem::create_directories(options.out, failed);
  if (failed) {
    return Error{Errc::io,
                 "cannot make the folder " + options.out.string() + ": " + failed.message()};
  }
  return options.draws_cast ? draw_cast(options) : draw_seeds(options);
}

}  // namespace
}  // namespace pirouette::characters

int main(int argc, char** argv) {
  pirouette::characters::Options options;
  CLI::App app{"Draws characters from every side, each from its seed."};
  app.add_option("--seed", options.seed, "of the first character; the next has the next seed")
      ->capture_default_str();
  app.add_option("--count", options.count, "how many characters")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option("--views", options.views, "how many views around each, from the front")
      ->check(CLI::Range(1, 360))
      ->capture_default_str();
  app.add_option("--size", options.size, "of a view, WxH")->capture_default_str();
  app.add_option("--out", options.out, "folder for the pictures")->required();
  app.add_flag("--sheet", options.draws_sheet, "one picture of all: sheet.png");
  app.add_flag("--cast", options.draws_cast, "the demonstration's characters and their notes");
  CLI11_PARSE(app, argc, argv);
  const auto done = pirouette::characters::run(options);
  if (done.ok()) return 0;
  std::fprintf(stderr, "pirouette-characters: %s\n", done.error().what.c_str());
  return 1;
}
