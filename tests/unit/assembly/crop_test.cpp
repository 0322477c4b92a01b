// Where a reference is cropped, and where it is left alone.

#include "coordinator/assembly/crop.h"

#include <gtest/gtest.h>

#include "tests/unit/assembly/drawn_figure.h"

namespace pirouette::assembly {
namespace {

using namespace testing;

Crop crop_of(const Image& image) {
  return find_crop({image.pixels.data(), image.width, image.height, image.channels});
}

bool warns(const Crop& crop, const std::string& words) {
  for (const std::string& warning : crop.warnings) {
    if (warning.find(words) != std::string::npos) return true;
  }
  return false;
}

Image tall_person(Rgb ground = kWhite) {
  Image image = blank(800, 900, ground);
  draw_person(image, 400, 100, 799);
  return image;
}

// The smallest box of what is not ground, found the slow way.
Box box_of_others(const Image& image, Rgb ground) {
  int left = image.width, top = image.height, right = 0, bottom = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const auto* p = &image.pixels[static_cast<std::size_t>((y * image.width + x) * 3)];
      if (p[0] == ground.r && p[1] == ground.g && p[2] == ground.b) continue;
      left = std::min(left, x), right = std::max(right, x + 1);
      top = std::min(top, y), bottom = std::max(bottom, y + 1);
    }
  }
  return {left, top, right - left, bottom - top};
}

TEST(Crop, LeavesFourPercentOfTheHeightAroundTheFigure) {
  for (const Rgb ground : {kWhite, Rgb{20, 24, 30}}) {
    const Image image = tall_person(ground);
    const Box figure = box_of_others(image, ground);
    const Crop crop = crop_of(image);
    ASSERT_TRUE(crop.box.has_value());
    EXPECT_EQ(*crop.box,
              (Box{figure.left - 28, figure.top - 28, figure.width + 56, figure.height + 56}));
    EXPECT_TRUE(crop.warnings.empty()) << crop.warnings.front();
  }
}

TEST(Crop, NothingThatBelongsToTheFigureIsCutAway) {
  Image image = tall_person();
  fill(image, {40, 60, 3, 3}, {250, 250, 250});  // a thrown knife's pale end, far off
  fill(image, {700, 500, 1, 1}, kCloth);
  const Crop crop = crop_of(image);
  ASSERT_TRUE(crop.box.has_value());
  EXPECT_LE(crop.box->left, 40);
  EXPECT_LE(crop.box->top, 60);
  EXPECT_GT(crop.box->right(), 700);
}

TEST(Crop, TheGroundsOwnNoiseIsNoFigure) {
  Image image = tall_person();
  std::uint32_t state = 5;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      state = state * 1664525u + 1013904223u;
      auto* p = &image.pixels[static_cast<std::size_t>((y * image.width + x) * 3)];
      if (p[0] == 255) p[0] = p[1] = p[2] = static_cast<std::uint8_t>(250 + (state >> 24) % 6);
    }
  }
  const Crop crop = crop_of(image);
  ASSERT_TRUE(crop.box.has_value());
  EXPECT_EQ(crop.box->height, 756);
}

TEST(Crop, AFigureAtTheBorderIsLeftAlone) {
  Image image = blank(400, 600);
  draw_person(image, 200, 100, 599);
  const Crop crop = crop_of(image);
  EXPECT_FALSE(crop.box.has_value());
  EXPECT_TRUE(warns(crop, "touches the picture's border"));
}

TEST(Crop, APhotosGroundIsLeftAlone) {
  const Crop crop = crop_of(noise(300, 400));
  EXPECT_FALSE(crop.box.has_value());
  EXPECT_TRUE(warns(crop, "no figure can be told from the ground"));
}

TEST(Crop, ATightPictureIsLeftAlone) {
  const Image image = tall_person();
  const Box box = crop_of(image).box.value();
  Image tight = blank(box.width, box.height);
  draw_person(tight, 400 - box.left, 100 - box.top, 799 - box.top);
  const Crop crop = crop_of(tight);
  EXPECT_FALSE(crop.box.has_value());
  EXPECT_TRUE(crop.warnings.empty());
}

TEST(Crop, ASmallFigureIsAWarning) {
  Image image = blank(800, 800);
  draw_person(image, 400, 300, 499);
  const Crop crop = crop_of(image);
  EXPECT_TRUE(crop.box.has_value());
  EXPECT_TRUE(warns(crop, "the figure is only 200 pixels high"));
}

TEST(Crop, AnEmptyPictureIsAWarning) {
  EXPECT_TRUE(warns(crop_of(blank(300, 300)), "nothing stands out"));
}

TEST(Crop, IsNeverSmallerThanAReferenceMayBe) {
  Image image = blank(300, 300);
  fill(image, {10, 20, 4, 200}, kCloth);  // a staff
  const Box box = crop_of(image).box.value();
  EXPECT_EQ(box.width, 32);
  EXPECT_LE(box.left, 10);
  EXPECT_GE(box.left, 0);
}

}  // namespace
}  // namespace pirouette::assembly
