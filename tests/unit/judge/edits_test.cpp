// What an edit's verdict says of pictures of which it is known: the truth, the picture as it was,
// half of the way, something else.

#include "tests/judge/edits.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/judge/nearness.h"
#include "tests/judge/panel.h"

namespace pirouette::judge {
namespace {

const Size kSize{96, 144};

Image shown(const characters::Character& character, std::size_t view = 1) {
  return characters::render(build(character), camera_of(view, kSize));
}

// One whose main colour is another in after.
struct Recoloured {
  characters::Character before = characters::character_of(3), after = before;
  Recoloured() { after.palette.main.colour = {20, 200, 40}; }
};

Image mixed(const Image& a, const Image& b) {
  Image mix = a;
  for (std::size_t i = 0; i < mix.pixels.size(); ++i)
    mix.pixels[i] = static_cast<std::uint8_t>((a.pixels[i] + b.pixels[i]) / 2);
  return mix;
}

TEST(EditVerdict, TheTruthIsAllOfTheWay) {
  const Recoloured it;
  const Image before = shown(it.before), after = shown(it.after);
  const EditVerdict verdict = judge_edit(before, after, after);
  EXPECT_TRUE(verdict.is_followed);
  EXPECT_EQ(verdict.share_of_way, 1);
  EXPECT_EQ(verdict.rest_psnr_db, kPsnrMaxDb);
  EXPECT_EQ(verdict.psnr_db, kPsnrMaxDb);
  EXPECT_NEAR(verdict.ssim, 1, 1e-6);
}

TEST(EditVerdict, ThePictureAsItWasIsNoneOfIt) {
  const Recoloured it;
  const Image before = shown(it.before), after = shown(it.after);
  const EditVerdict verdict = judge_edit(before, after, before);
  EXPECT_FALSE(verdict.is_followed);
  EXPECT_EQ(verdict.share_of_way, 0);
  EXPECT_GT(verdict.rest_psnr_db, 30);  // shades at the border
  EXPECT_LT(verdict.psnr_db, kPsnrMaxDb);
}

TEST(EditVerdict, HalfOfTheWayIsHalf) {
  const Recoloured it;
  const Image before = shown(it.before), after = shown(it.after);
  EXPECT_NEAR(judge_edit(before, after, mixed(before, after)).share_of_way, 0.5, 0.02);
}

// A ruin where nothing was to change is no fault of the edit's, and one of the rest's.
TEST(EditVerdict, WhatIsSpoiltElsewhereCountsInTheRest) {
  const Recoloured it;
  const Image before = shown(it.before), after = shown(it.after);
  Image spoilt = after;
  std::fill_n(spoilt.pixels.begin(), spoilt.pixels.size() / 20, std::uint8_t{0});  // white ground
  const EditVerdict verdict = judge_edit(before, after, spoilt);
  EXPECT_EQ(verdict.share_of_way, 1);
  EXPECT_LT(verdict.rest_psnr_db, 20);
}

TEST(EditVerdict, OfNoDifferenceNothingIsFollowed) {
  const Image picture = shown(Recoloured().before);
  const EditVerdict verdict = judge_edit(picture, picture, picture);
  EXPECT_FALSE(verdict.is_followed);
  EXPECT_EQ(verdict.share_of_way, 0);
}

TEST(Nearest, IsTheViewThatIsShown) {
  const auto character = characters::character_of(3);
  std::vector<Image> views;
  for (std::size_t view = 0; view < standard_views().size(); ++view)
    views.push_back(shown(character, view));
  for (std::size_t view = 0; view < views.size(); ++view)
    EXPECT_EQ(nearest(views, mixed(views[view], views[view])), view);
  EXPECT_EQ(nearest(views, mixed(views[2], shown(Recoloured().after, 2))), 2u);
}

}  // namespace
}  // namespace pirouette::judge
