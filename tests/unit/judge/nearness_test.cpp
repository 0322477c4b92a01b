#include "tests/judge/nearness.h"

#include <gtest/gtest.h>

#include <cmath>

namespace pirouette::judge {
namespace {

Image plain(std::uint8_t value) {
  return {32, 48, 3, std::vector<std::uint8_t>(std::size_t{32} * 48 * 3, value)};
}

Image stripes(bool is_inverted) {
  Image image = plain(0);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    const bool is_light = (i / 3 % 32) / 4 % 2 == 0;
    image.pixels[i] = is_light == is_inverted ? 40 : 210;
  }
  return image;
}

TEST(Nearness, PsnrIsThatOfTheDefinition) {
  EXPECT_EQ(mean_squared_difference(plain(100), plain(110)), 100);
  EXPECT_NEAR(psnr_db(100), 28.1308, 1e-4);  // 10 log10(255^2 / 100)
  EXPECT_EQ(psnr_db(0), kPsnrMaxDb);
}

TEST(Nearness, SsimOfPlainPicturesIsTheLuminanceTermAlone) {
  const double c1 = 6.5025;
  EXPECT_NEAR(ssim(plain(100), plain(150)), (2 * 100 * 150 + c1) / (100.0 * 100 + 150.0 * 150 + c1),
              1e-4);
}

TEST(Nearness, SsimIsOneForEqualAndBelowZeroForInvertedPictures) {
  EXPECT_NEAR(ssim(stripes(false), stripes(false)), 1, 1e-6);
  EXPECT_LT(ssim(stripes(false), stripes(true)), -0.5);
}

// By hand: with means m and spreads s of two values a and b that alternate under any weights whose
// shares are p and 1 - p, all windows of vertical stripes 1 pixel wide have p near a half.
TEST(Nearness, SsimOfFineStripesAgainstPlainGreyIsTheTwoTerms) {
  Image fine = plain(0);
  for (std::size_t i = 0; i < fine.pixels.size(); ++i) fine.pixels[i] = i / 3 % 2 == 0 ? 100 : 140;
  const double c2 = 58.5225;
  // Equal means of 120, spread 20^2, shared spread 0: c2 / (400 + c2).
  EXPECT_NEAR(ssim(fine, plain(120)), c2 / (400 + c2), 2e-3);
}

TEST(Nearness, SofteningKeepsPlainPicturesAndTheMean) {
  EXPECT_EQ(softened(plain(77)).pixels, plain(77).pixels);
  Image dot = plain(0);
  dot.width = 384;  // sigma 2
  dot.height = 48;
  dot.pixels.assign(std::size_t{384} * 48 * 3, 0);
  for (std::size_t c = 0; c < 3; ++c) dot.pixels[(24 * 384 + 100) * 3 + c] = 255;
  const Image soft = softened(dot);
  EXPECT_EQ(soft.pixels[(24 * 384 + 100) * 3], 10);  // 255 / (2 pi 4)
  EXPECT_EQ(soft.pixels[(24 * 384 + 102) * 3], 6);   // times exp(-1/2)
  EXPECT_EQ(soft.pixels[(26 * 384 + 100) * 3], 6);
}

}  // namespace
}  // namespace pirouette::judge
