#include "worker/flux/lanczos.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/files.h"

namespace pirouette::flux {
namespace {

Image load(const std::string& name) {
  const auto path = std::filesystem::path(PIROUETTE_SOURCE_DIR) / "tests/data/tiny-kontext" / name;
  return decode_png(read_file(path, 1 << 20).value()).value();
}

TEST(Lanczos, IsPillowsBitForBit) {
  const Image input = load("resize_input.png");
  for (const auto& [width, height] : {std::pair{64, 96}, {113, 57}, {160, 240}}) {
    const std::string size = std::to_string(width) + "x" + std::to_string(height);
    const Image expected = load("resize_" + size + ".png");
    EXPECT_TRUE(resize_lanczos(input, width, height).pixels == expected.pixels) << size;
  }
}

TEST(Lanczos, SameSizeIsTheSamePicture) {
  const Image input = load("resize_input.png");
  EXPECT_TRUE(resize_lanczos(input, input.width, input.height).pixels == input.pixels);
}

TEST(Lanczos, ConstantPictureStaysConstantAtAnySize) {
  Image grey{5, 7, 3, std::vector<std::uint8_t>(5 * 7 * 3, 131)};
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 200}, {64, 2}}) {
    const Image out = resize_lanczos(grey, width, height);
    EXPECT_EQ(out.width, width);
    EXPECT_EQ(out.height, height);
    EXPECT_EQ(out.pixels.size(), static_cast<std::size_t>(width * height * 3));
    for (const std::uint8_t pixel : out.pixels) EXPECT_EQ(pixel, 131);
  }
}

}  // namespace
}  // namespace pirouette::flux
