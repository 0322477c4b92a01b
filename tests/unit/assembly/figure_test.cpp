// Figures are found where they were drawn, whatever lies beside them.

#include "coordinator/assembly/figure.h"

#include <gtest/gtest.h>

#include "tests/unit/assembly/drawn_figure.h"

namespace pirouette::assembly {
namespace {

using namespace testing;

constexpr int kHead = 40, kFoot = 259, kCentre = 96;

Image person() {
  Image image = blank(192, 288);
  draw_person(image, kCentre, kHead, kFoot);
  return image;
}

TEST(Figure, IsFoundWhereItWasDrawn) {
  const auto figure = find_figure(person());
  ASSERT_TRUE(figure);
  EXPECT_EQ(figure->box, (Box{60, 40, 73, 220}));
  EXPECT_EQ(figure->head_row, kHead);
  EXPECT_EQ(figure->foot_row, kFoot);
  EXPECT_NEAR(figure->centre_column, kCentre, 1);
  EXPECT_FALSE(figure->touches_border);
  EXPECT_EQ(figure->large_pieces, 1);
}

TEST(Figure, AStrayPixelBelowTheShoeDoesNotLiftTheFoot) {
  Image image = person();
  fill(image, {70, kFoot + 1, 2, 6}, kCloth);  // joined to the shoe, two pixels wide
  fill(image, {120, 280, 1, 1}, kCloth);       // loose
  const auto figure = find_figure(image);
  ASSERT_TRUE(figure);
  EXPECT_EQ(figure->foot_row, kFoot);
}

TEST(Figure, ARaisedWeaponDoesNotRaiseTheHead) {
  Image image = person();
  fill(image, {128, 4, 5, 90}, kSkin);  // held beside the head, far above it
  const auto figure = find_figure(image);
  ASSERT_TRUE(figure);
  EXPECT_EQ(figure->box.top, 4);
  EXPECT_EQ(figure->head_row, kHead);
  EXPECT_NEAR(figure->centre_column, kCentre, 4);
}

TEST(Figure, SpecksAroundItDoNotCount) {
  Image image = person();
  fill(image, {5, 5, 6, 6}, kCloth);
  fill(image, {180, 270, 5, 5}, kCloth);
  const auto figure = find_figure(image);
  ASSERT_TRUE(figure);
  EXPECT_EQ(figure->box, find_figure(person())->box);
  EXPECT_EQ(figure->large_pieces, 1);
}

TEST(Figure, WhiteClothesInsideAnOutlineAreFigure) {
  Image image = person();
  fill(image, {66, 80, 61, 100}, kWhite);
  const auto figure = find_figure(image);
  ASSERT_TRUE(figure);
  EXPECT_EQ(figure->box, find_figure(person())->box);
  EXPECT_NEAR(figure->centre_column, kCentre, 1);
}

TEST(Figure, AnyPlainGroundWillDo) {
  Image image = blank(192, 288, {40, 200, 90});
  draw_person(image, kCentre, kHead, kFoot);
  for (std::size_t i = 0; i < image.pixels.size(); i += 7) image.pixels[i] ^= 5;  // a little grain
  const auto figure = find_figure(image);
  ASSERT_TRUE(figure);
  EXPECT_EQ(figure->foot_row, kFoot);
  const Rgb ground = ground_colour(image);
  EXPECT_NEAR(ground.g, 200, 5);
}

TEST(Figure, NoiseHasNone) { EXPECT_FALSE(find_figure(noise(192, 288))); }

TEST(Figure, AnEmptyOrTinyPictureHasNone) {
  EXPECT_FALSE(find_figure(blank(192, 288)));
  EXPECT_FALSE(find_figure(blank(1, 1)));
  Image speck = blank(192, 288);
  fill(speck, {90, 100, 8, 8}, kCloth);
  EXPECT_FALSE(find_figure(speck));
}

TEST(Figure, TheBorderAndASecondFigureAreNoticed) {
  Image cut = blank(192, 288);
  draw_person(cut, kCentre, kHead, 287);
  EXPECT_TRUE(find_figure(cut)->touches_border);

  Image two = blank(384, 288);
  draw_person(two, 90, kHead, kFoot);
  draw_person(two, 280, kHead, kFoot);
  EXPECT_EQ(find_figure(two)->large_pieces, 2);
}

TEST(Likeness, TheSameDrawingAtAnotherScaleIsNearlyTheSame) {
  Image small = blank(192, 288), large = blank(384, 576), other = blank(192, 288);
  draw_person(small, 96, 40, 259);
  draw_person(large, 192, 80, 519);
  draw_person(other, 96, 40, 259);
  fill(other, {60, 100, 30, 100}, kSkin);
  const auto of = [](const Image& image) { return likeness(image, find_figure(image)->box); };
  EXPECT_LT(difference(of(small), of(large)), 10);
  EXPECT_GT(difference(of(small), of(other)), 40);
}

TEST(Likeness, AMirroredDrawingHasTheMirroredLikeness) {
  Image image = blank(97, 141);
  draw_person(image, 41, 20, 131);
  fill(image, {50, 60, 17, 23}, kSkin);
  Image other = image;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width * 3; ++x) {
      const int from = (image.width - 1 - x / 3) * 3 + x % 3;
      other.pixels[static_cast<std::size_t>(y * image.width * 3 + x)] =
          image.pixels[static_cast<std::size_t>(y * image.width * 3 + from)];
    }
  }
  const Likeness own = likeness(image, find_figure(image)->box);
  EXPECT_LT(difference(mirrored(own), likeness(other, find_figure(other)->box)), 1);
  EXPECT_GT(difference(own, mirrored(own)), 40);
}

}  // namespace
}  // namespace pirouette::assembly
