#include "common/image/flatness.h"

#include <gtest/gtest.h>

#include "common/rng.h"

namespace pirouette {
namespace {

Image filled(int width, int height, int r, int g, int b) {
  Image image{width, height, 3, {}};
  for (int i = 0; i < width * height; ++i) {
    for (const int value : {r, g, b}) image.pixels.push_back(static_cast<std::uint8_t>(value));
  }
  return image;
}

// Sets count pixels, spread over the picture.
void scatter(Image& image, std::size_t count, std::uint8_t value) {
  const std::size_t pixels = image.pixels.size() / 3;
  for (std::size_t i = 0; i < count; ++i) image.pixels[i * (pixels / count) * 3] = value;
}

TEST(Flatness, OneColourIsFlatWhateverTheColour) {
  EXPECT_EQ(find_flatness(filled(64, 96, 0, 0, 0)), "every pixel is within 2/255 of (0, 0, 0)");
  EXPECT_EQ(find_flatness(filled(64, 96, 255, 255, 255)),
            "every pixel is within 2/255 of (255, 255, 255)");
  EXPECT_TRUE(find_flatness(filled(1, 1, 9, 8, 7)));
}

TEST(Flatness, TwoLevelsAroundAreFlatAndThreeAreNot) {
  Image image = filled(64, 96, 100, 120, 140);
  Rng rng(3);
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(value + rng.next() % 5 - 2);
  EXPECT_TRUE(find_flatness(image));
  Image wider = filled(64, 96, 100, 120, 140);
  for (std::size_t i = 0; i < wider.pixels.size(); i += 9) wider.pixels[i] = 103;
  EXPECT_FALSE(find_flatness(wider));
}

TEST(Flatness, StrayPixelsMakeNoPictureButAThinFigureDoes) {
  Image image = filled(100, 100, 255, 255, 255);
  scatter(image, 1, 0);
  EXPECT_EQ(find_flatness(image), "all pixels but one are within 2/255 of (255, 255, 255)");
  scatter(image, 10, 0);
  EXPECT_TRUE(find_flatness(image));
  scatter(image, 11, 0);
  EXPECT_FALSE(find_flatness(image));
}

TEST(Flatness, NoiseIsNotFlat) {
  Image image{64, 96, 3, std::vector<std::uint8_t>(64 * 96 * 3)};
  Rng rng(7);
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(rng.next());
  EXPECT_FALSE(find_flatness(image));
  for (auto& value : image.pixels) value = static_cast<std::uint8_t>(120 + value % 16);  // faint
  EXPECT_FALSE(find_flatness(image));
}

TEST(Flatness, TransparencyIsNoPicture) {
  Image image{10, 10, 4, std::vector<std::uint8_t>(400, 0)};
  for (std::size_t i = 3; i < 400; i += 4) image.pixels[i] = static_cast<std::uint8_t>(i);
  EXPECT_TRUE(find_flatness(image));
}

}  // namespace
}  // namespace pirouette
