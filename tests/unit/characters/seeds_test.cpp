// A seed is a character: always the same, and unlike the others.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "worker/train/characters/character.h"
#include "worker/train/characters/render.h"

namespace pirouette::characters {
namespace {

Camera small(double azimuth_deg, int width = 64) {
  Camera camera;
  camera.azimuth_deg = azimuth_deg;
  camera.width = width;
  camera.height = width * 3 / 2;
  camera.oversampling = 3;
  return camera;
}

// Mean difference of the channels over the pixels that are figure in either, 0 to 255.
double difference(const Image& a, const Image& b) {
  double sum = 0, count = 0;
  for (std::size_t i = 0; i < a.pixels.size(); i += 3) {
    const auto is_white = [&](const Image& image) {
      return image.pixels[i] == 255 && image.pixels[i + 1] == 255 && image.pixels[i + 2] == 255;
    };
    if (is_white(a) && is_white(b)) continue;
    for (std::size_t k = i; k < i + 3; ++k) sum += std::abs(a.pixels[k] - b.pixels[k]);
    count += 3;
  }
  return count > 0 ? sum / count : 0;
}

TEST(Seeds, GiveTheSameBytesAgain) {
  for (const std::uint64_t seed : {1ull, 77ull, 123456789ull}) {
    const Image once = render(build(character_of(seed)), small(30));
    const Image again = render(build(character_of(seed)), small(30));
    EXPECT_EQ(once.pixels, again.pixels);
  }
}

TEST(Seeds, AreTwoHundredDifferentCharacters) {
  std::vector<Image> pictures;
  std::set<std::string> descriptions;
  constexpr std::uint64_t kCount = 200;
  for (std::uint64_t seed = 1; seed <= kCount; ++seed) {
    const Character c = character_of(seed);
    pictures.push_back(render(build(c), small(0, 32)));
    descriptions.insert(description(c));
  }
  EXPECT_EQ(descriptions.size(), kCount);
  double nearest = 255, sum = 0;
  int pairs = 0;
  for (std::size_t a = 0; a < pictures.size(); ++a) {
    for (std::size_t b = a + 1; b < pictures.size(); ++b) {
      const double d = difference(pictures[a], pictures[b]);
      nearest = std::min(nearest, d);
      sum += d;
      ++pairs;
    }
  }
  RecordProperty("nearest_pair", std::to_string(nearest));
  RecordProperty("mean", std::to_string(sum / pairs));
  EXPECT_GT(nearest, 25);
  EXPECT_GT(sum / pairs, 60);
}

TEST(Seeds, AFullTurnIsNoTurn) {
  const Body body = build(character_of(5));
  const Image here = render(body, small(0)), around = render(body, small(360));
  EXPECT_LT(difference(here, around), 0.5);
  EXPECT_GT(difference(here, render(body, small(45))), 10);
}

TEST(Seeds, OneAspectMoreLeavesTheOthersAlone) {
  // Aspects have dice of their own: these were drawn once and must not move.
  const Character c = character_of(4);
  EXPECT_EQ(c.kind, Kind::human);
  EXPECT_EQ(c.hair, Hair::long_hair);
  EXPECT_EQ(c.palette.hair.name, "blond");
  EXPECT_EQ(c.staff, Side::left);
}

TEST(Render, EdgesAreBlendedAndTheInsideIsOpaque) {
  const Body body = build(character_of(4));
  Camera camera = small(0);
  const Image white = render(body, camera);
  camera.ground = {0, 255, 0};
  const Image green = render(body, camera);
  camera.oversampling = 1;
  const std::vector<Part> parts = part_map(body, camera);
  int blended = 0;
  for (int y = 2; y + 2 < camera.height; ++y) {
    for (int x = 2; x + 2 < camera.width; ++x) {
      bool is_inside = true;
      for (int dy = -2; dy <= 2; ++dy) {
        for (int dx = -2; dx <= 2; ++dx) {
          const auto at = static_cast<std::size_t>((y + dy) * camera.width + x + dx);
          is_inside = is_inside && parts[at] != Part::none;
        }
      }
      const auto at = static_cast<std::size_t>(y * camera.width + x) * 3;
      const bool same = std::equal(&white.pixels[at], &white.pixels[at] + 3, &green.pixels[at]);
      EXPECT_TRUE(same || !is_inside) << x << "," << y;
      const bool is_ground = white.pixels[at] == 255 && green.pixels[at] == 0;
      blended += !same && !is_ground ? 1 : 0;
    }
  }
  EXPECT_GT(blended, 60);
}

TEST(Render, SizeDoesNotChangeThePicture) {
  const Body body = build(character_of(9));
  Camera large = small(45);
  large.width *= 3;
  large.height *= 3;
  const Image big = render(body, large);
  Camera camera = small(45);
  camera.oversampling = 9;
  const Image little = render(body, camera);
  Image shrunk{camera.width, camera.height, 3, {}};
  for (int y = 0; y < camera.height; ++y) {
    for (int x = 0; x < camera.width; ++x) {
      for (int k = 0; k < 3; ++k) {
        int sum = 0;
        for (int j = 0; j < 9; ++j) {
          const int row = 3 * y + j / 3, column = 3 * x + j % 3;
          sum += big.pixels[static_cast<std::size_t>((row * large.width + column) * 3 + k)];
        }
        shrunk.pixels.push_back(static_cast<std::uint8_t>((sum + 4) / 9));
      }
    }
  }
  EXPECT_LT(difference(shrunk, little), 4);
}

}  // namespace
}  // namespace pirouette::characters
