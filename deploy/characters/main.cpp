// draw_characters FOLDER: writes NAME.png and NAME.txt of every character into the folder. The
// pictures in deploy/characters are its output.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <vips/vips8>

#include "deploy/characters/characters.h"

namespace {

using namespace pirouette::characters;

void write(const Character& character, const std::filesystem::path& folder) {
  const std::string stem = (folder / character.name).string();
  const vips::VImage drawn =
      vips::VImage::svgload_buffer(vips_blob_copy(character.svg.data(), character.svg.size()));
  drawn.flatten(vips::VImage::option()->set("background", 255.0))
      .pngsave((stem + ".png").c_str(), vips::VImage::option()->set("strip", true));
  std::ofstream notes(stem + ".txt");
  notes << character.notes << "\n";
  if (!notes.flush()) throw std::runtime_error("cannot write " + stem + ".txt");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: draw_characters FOLDER\n");
    return 2;
  }
  if (VIPS_INIT(argv[0]) != 0) {
    std::fprintf(stderr, "draw_characters: libvips does not start\n");
    return 1;
  }
  try {
    for (const Character& character : all_characters()) write(character, argv[1]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "draw_characters: %s\n", error.what());
    return 1;
  }
  vips_shutdown();
  return 0;
}
