// The committed pictures of deploy/characters are what its program draws.

#include "deploy/characters/characters.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <vips/vips8>

#include "common/files.h"
#include "common/image/image.h"
#include "deploy/characters/svg.h"

namespace pirouette::characters {
namespace {

Image drawn(const Character& character) {
  const vips::VImage image =
      vips::VImage::svgload_buffer(vips_blob_copy(character.svg.data(), character.svg.size()))
          .flatten(vips::VImage::option()->set("background", 255.0));
  Image out{image.width(), image.height(), image.bands(), {}};
  std::size_t size = 0;
  void* memory = image.write_to_memory(&size);
  const auto* first = static_cast<const std::uint8_t*>(memory);
  out.pixels.assign(first, first + size);
  g_free(memory);
  return out;
}

TEST(Characters, AreReproducedByTheirProgram) {
  ASSERT_EQ(VIPS_INIT("characters"), 0);
  const std::filesystem::path folder =
      std::filesystem::path(PIROUETTE_SOURCE_DIR) / "deploy/characters";
  ASSERT_EQ(all_characters().size(), 6u);
  for (const Character& character : all_characters()) {
    const auto bytes = read_file(folder / (character.name + ".png"), 1 << 20);
    ASSERT_TRUE(bytes.ok()) << bytes.error().what;
    const Image committed = flatten_on_white(decode_png(bytes.value()).value());
    const Image now = drawn(character);
    ASSERT_EQ(committed.width, kWidthPx);
    ASSERT_EQ(committed.height, kHeightPx);
    ASSERT_EQ(committed.pixels.size(), now.pixels.size());
    int furthest = 0;
    for (std::size_t i = 0; i < now.pixels.size(); ++i) {
      furthest = std::max(furthest, std::abs(now.pixels[i] - committed.pixels[i]));
    }
    EXPECT_LE(furthest, 1) << character.name;
    const auto notes = read_file(folder / (character.name + ".txt"), 1 << 13);
    ASSERT_TRUE(notes.ok()) << notes.error().what;
    EXPECT_EQ(std::string(notes.value().begin(), notes.value().end()), character.notes + "\n");
  }
}

}  // namespace
}  // namespace pirouette::characters
