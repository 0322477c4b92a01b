// Every view of a character agrees with what was asked for: sides, facing, foot line, white ground.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "common/job/recipe.h"
#include "coordinator/assembly/figure.h"
#include "worker/train/characters/cast.h"
#include "worker/train/characters/render.h"

namespace pirouette::characters {
namespace {

constexpr int kWidth = 192, kHeight = 288;

Camera from(double azimuth_deg) {
  Camera camera;
  camera.azimuth_deg = azimuth_deg;
  camera.width = kWidth;
  camera.height = kHeight;
  camera.oversampling = 3;
  return camera;
}

// Someone plain, carrying what the test adds.
Character bare(std::uint64_t seed) {
  Character c = character_of(seed);
  c.kind = Kind::human;
  c.headgear = Headgear::none;
  c.back = Back::none;
  c.top = Top::tunic;
  c.scarf = false;
  c.shield = c.sword = c.satchel = c.pauldron = c.staff = c.eye_patch = c.armband = c.claw =
      c.feather = c.hose = std::nullopt;
  return c;
}

struct Spot {
  int pixels = 0;
  double x = 0, y = 0;  // the mean, from the picture's middle and top
};

Spot spot_of(const Body& body, Part part, double azimuth_deg) {
  const std::vector<Part> parts = part_map(body, from(azimuth_deg));
  Spot spot;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] != part) continue;
    ++spot.pixels;
    spot.x += static_cast<double>(i % kWidth) + 0.5 - kWidth / 2.0;
    spot.y += static_cast<double>(i / kWidth) + 0.5;
  }
  if (spot.pixels > 0) {
    spot.x /= spot.pixels;
    spot.y /= spot.pixels;
  }
  return spot;
}

TEST(Views, WhatIsOnTheLeftIsSeenOnTheRightFromTheFrontAndOnTheLeftFromBehind) {
  const std::vector<std::pair<Part, std::optional<Side> Character::*>> carried = {
      {Part::shield, &Character::shield},   {Part::sword, &Character::sword},
      {Part::satchel, &Character::satchel}, {Part::pauldron, &Character::pauldron},
      {Part::staff, &Character::staff},     {Part::armband, &Character::armband},
      {Part::claw, &Character::claw},
  };
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    for (const auto& [part, where] : carried) {
      for (const Side side : {Side::left, Side::right}) {
        Character c = bare(seed);
        c.*where = side;
        const Body body = build(c);
        const double sign = side == Side::left ? 1 : -1;
        const Spot front = spot_of(body, part, 0), back = spot_of(body, part, 180);
        EXPECT_GT(front.pixels, 8) << seed << " part " << static_cast<int>(part);
        EXPECT_GT(back.pixels, 8) << seed << " part " << static_cast<int>(part);
        EXPECT_GT(front.x * sign, 4) << seed << " part " << static_cast<int>(part);
        EXPECT_LT(back.x * sign, -4) << seed << " part " << static_cast<int>(part);
      }
    }
  }
}

TEST(Views, AProfileShowsTheSideAndFacesTheWayThatTheFarmSays) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Character c = bare(seed);
    c.shield = Side::left;
    const Body body = build(c);
    for (const View& view : standard_views()) {
      const Spot face = spot_of(body, Part::face, view.azimuth_deg);
      const Spot head = spot_of(body, Part::head, view.azimuth_deg);
      if (view.faces_screen == "left" && view.shows_side != "back" && view.azimuth_deg <= 90) {
        EXPECT_LT(face.x, head.x - 1) << view.id;
      }
      if (view.faces_screen == "right" && view.azimuth_deg >= 270) {
        EXPECT_GT(face.x, head.x + 1) << view.id;
      }
      EXPECT_TRUE(view.id != "back" || face.pixels == 0);
    }
    // The shield hangs on the side that the left profile shows; from the right the body hides much.
    EXPECT_GT(4 * spot_of(body, Part::shield, 90).pixels,
              5 * spot_of(body, Part::shield, 270).pixels);
  }
}

TEST(Views, ABackViewHasNoFaceAndNoEmblem) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    Character c = character_of(seed);
    c.headgear = Headgear::none;
    c.eye_patch.reset();
    c.satchel.reset();
    c.staff.reset();
    c.hair = Hair::crop;
    if (c.top == Top::tunic) c.emblem = Emblem::star;
    const Body body = build(c);
    EXPECT_GT(spot_of(body, Part::face, 0).pixels, 20) << seed;
    EXPECT_EQ(spot_of(body, Part::face, 180).pixels, 0) << seed;
    if (c.emblem == Emblem::none) continue;
    EXPECT_GT(spot_of(body, Part::emblem, 0).pixels, 20) << seed;
    EXPECT_EQ(spot_of(body, Part::emblem, 180).pixels, 0) << seed;
  }
}

TEST(Views, OppositeSilhouettesAreMirrored) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Body body = build(character_of(seed));
    for (const double azimuth : {0.0, 45.0, 90.0}) {
      const auto here = part_map(body, from(azimuth)), there = part_map(body, from(azimuth + 180));
      int differing = 0, figure = 0;
      for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
          const auto at = static_cast<std::size_t>(y * kWidth);
          const bool a = here[at + static_cast<std::size_t>(x)] != Part::none;
          const bool b = there[at + static_cast<std::size_t>(kWidth - 1 - x)] != Part::none;
          figure += a ? 1 : 0;
          differing += a != b ? 1 : 0;
        }
      }
      EXPECT_LT(differing, figure / 100) << seed << " at " << azimuth;
    }
  }
}

TEST(Views, AreOnWhiteWithOneFigureAndOneFootLine) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    const Body body = build(character_of(seed));
    std::vector<int> feet;
    for (const View& view : standard_views()) {
      const Image image = render(body, from(view.azimuth_deg));
      ASSERT_EQ(image.pixels.size(), std::size_t{kWidth} * kHeight * 3);
      const auto figure = assembly::find_figure(image);
      ASSERT_TRUE(figure.has_value()) << seed << " " << view.id;
      EXPECT_EQ(assembly::ground_colour(image), assembly::Rgb{}) << seed << " " << view.id;
      EXPECT_FALSE(figure->touches_border) << seed << " " << view.id;
      EXPECT_EQ(figure->large_pieces, 1) << seed << " " << view.id;
      feet.push_back(figure->foot_row);
    }
    const auto [highest, lowest] = std::minmax_element(feet.begin(), feet.end());
    EXPECT_LE(*lowest - *highest, 1) << seed;
  }
}

}  // namespace
}  // namespace pirouette::characters
