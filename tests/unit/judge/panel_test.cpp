// The judge is judged: true pictures must pass whole, wrong ones must fail in the way they are
// wrong, and by a gap that a model's faults cannot hide in.

#include "tests/judge/panel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "common/rng.h"
#include "tests/judge/nearness.h"
#include "tests/judge/tally.h"
#include "tests/support/mirrored.h"

namespace pirouette::judge {
namespace {

using pirouette::testing::mirrored;
constexpr Size kSmall{64, 96};
constexpr std::uint64_t kFirst = 1'000'000;
constexpr std::size_t kViews = 8;

const Panel& panel() {
  static const Panel twenty = Panel::of_seeds(kFirst, kSmall);
  return twenty;
}

// Each channel of each pixel off by up to so much, and the whole a pixel to the side and down.
Image worn(const Image& image, int most, Rng& rng) {
  Image out = image;
  for (int y = 1; y < image.height; ++y) {
    for (int x = 1; x < image.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int from =
            image.pixels[static_cast<std::size_t>(((y - 1) * image.width + x - 1) * 3 + c)];
        const int off =
            static_cast<int>(rng.below(static_cast<std::uint64_t>(2 * most + 1))) - most;
        out.pixels[static_cast<std::size_t>((y * image.width + x) * 3 + c)] =
            static_cast<std::uint8_t>(std::clamp(from + off, 0, 255));
      }
    }
  }
  return out;
}

Image noise(Rng& rng) {
  Image out{kSmall.width, kSmall.height, 3, {}};
  for (int i = 0; i < kSmall.width * kSmall.height * 3; ++i)
    out.pixels.push_back(static_cast<std::uint8_t>(rng.below(256)));
  return out;
}

// What is shown when that view of that character is asked for.
using Painter = std::function<Image(std::size_t character, std::size_t view)>;

Tally judged(const Painter& paint,
             const std::vector<std::size_t>& views = {0, 1, 2, 3, 4, 5, 6, 7}) {
  Tally tally;
  for (std::size_t character = 0; character < panel().count(); ++character) {
    for (const std::size_t view : views) {
      const auto verdict = panel().judge(paint(character, view), character, view);
      EXPECT_TRUE(verdict.ok());
      tally.add(verdict.value());
    }
  }
  return tally;
}

TEST(Judge, TrueShowsAllThatIsAskedFor) {
  const Tally tally = judged([](auto c, auto v) { return panel().truth(c, v); });
  EXPECT_EQ(tally.views.of, 160);
  EXPECT_EQ(tally.views.share(), 1);
  EXPECT_EQ(tally.characters.share(), 1);
  EXPECT_EQ(tally.sides.share(), 1);
  EXPECT_GT(tally.sides.of, 160);  // more than one thing a picture
  EXPECT_NEAR(tally.ssim(), 1, 1e-6);
  EXPECT_EQ(tally.psnr_db(), kPsnrMaxDb);
}

TEST(Judge, SmallFaultsOfTheWholePictureDoNotHideWhatItShows) {
  Rng rng(1);
  const Tally tally = judged([&](auto c, auto v) { return worn(panel().truth(c, v), 40, rng); });
  EXPECT_GE(tally.views.share(), 0.99);
  EXPECT_GE(tally.characters.share(), 0.99);
  EXPECT_GE(tally.sides.share(), 0.95);
  EXPECT_LT(tally.psnr_db(), 25);
}

TEST(Judge, MirroredFrontsAndBacksHaveThingsOnTheWrongSide) {
  const Tally tally = judged([](auto c, auto v) { return mirrored(panel().truth(c, v)); }, {0, 4});
  EXPECT_LE(tally.sides.share(), 0.05);
  EXPECT_GE(tally.characters.share(), 0.9);  // and are recognised all the same
}

TEST(Judge, MirroredTurnedViewsAreOtherViews) {
  const Tally tally =
      judged([](auto c, auto v) { return mirrored(panel().truth(c, v)); }, {1, 2, 3, 5, 6, 7});
  EXPECT_LE(tally.views.share(), 0.05);
}

TEST(Judge, ShuffledViewsAreFound) {
  const Tally tally = judged([](auto c, auto v) {
    const std::size_t turn = 1 + c % (kViews - 1);
    return panel().truth(c, (v + turn) % kViews);
  });
  EXPECT_LE(tally.views.share(), 0.02);
}

TEST(Judge, AnotherCharacterIsFound) {
  const Tally tally =
      judged([](auto c, auto v) { return panel().truth((c + 1) % Panel::kCharacters, v); });
  EXPECT_EQ(tally.characters.right, 0);
}

TEST(Judge, NoiseIsNearChanceAndFarFromWhatAModelMustReach) {
  Rng rng(2);
  const Tally tally = judged([&](auto, auto) { return noise(rng); });
  EXPECT_LE(tally.views.share(), 0.30);
  EXPECT_LE(tally.characters.share(), 0.15);
  EXPECT_LE(tally.sides.share(), 0.70);
  EXPECT_LE(tally.ssim(), 0.1);
}

// Always the reference, as a model that has not learnt to turn gives it back.
TEST(Judge, WhoNeverTurnsIsRightOnceInEight) {
  const Tally tally = judged([](auto c, auto) { return panel().truth(c, 0); });
  EXPECT_EQ(tally.views.share(), 1.0 / kViews);
}

TEST(Judge, AnotherSizeIsRefused) {
  const auto refused =
      panel().judge(Image{48, 72, 3, std::vector<std::uint8_t>(48 * 72 * 3)}, 0, 0);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().what.find("48x72"), std::string::npos) << refused.error().what;
}

// The true pictures but for one thing, which is on the other side: that alone is found wrong.
TEST(Sides, TheOneThatIsWrongIsNamed) {
  std::vector<int> asked(kThings);
  for (std::uint64_t seed = kFirst; seed < kFirst + 120; ++seed) {
    const auto character = characters::character_of(seed);
    const auto camera = camera_of(seed % 2 == 0 ? 0 : 4, kSmall);
    for (const SideQuestion& question : side_questions(character, camera)) {
      ++asked[static_cast<std::size_t>(question.thing)];
      const auto other = with_thing_swapped(character, question.thing);
      EXPECT_TRUE(question.answer(softened(render(build(character), camera))).is_right);
      EXPECT_FALSE(question.answer(softened(render(build(other), camera))).is_right)
          << name(question.thing) << " of " << seed;
    }
  }
  for (int thing = 0; thing < kThings; ++thing)
    EXPECT_GT(asked[static_cast<std::size_t>(thing)], 0) << name(static_cast<Thing>(thing));
}

TEST(Sides, WhatTheBodyHidesIsNotAskedFor) {
  auto character = characters::character_of(kFirst);
  character.eye_patch = characters::Side::left;
  const auto is_asked = [&](std::size_t view) {
    const auto questions = side_questions(character, camera_of(view, kSmall));
    return std::ranges::any_of(
        questions, [](const SideQuestion& one) { return one.thing == Thing::eye_patch; });
  };
  EXPECT_TRUE(is_asked(0));
  EXPECT_FALSE(is_asked(4));
}

}  // namespace
}  // namespace pirouette::judge
