#pragma once
// Figures with known places, drawn of boxes, for the tests of assembly.

#include "common/image/image.h"
#include "coordinator/assembly/figure.h"

namespace pirouette::assembly::testing {

inline constexpr Rgb kWhite{255, 255, 255};
inline constexpr Rgb kCloth{60, 90, 160};
inline constexpr Rgb kSkin{190, 120, 90};

inline Image blank(int width, int height, Rgb colour = kWhite) {
  const auto count = static_cast<std::size_t>(width * height);
  Image image{width, height, 3, std::vector<std::uint8_t>(count * 3)};
  for (std::size_t i = 0; i < count; ++i) {
    image.pixels[i * 3] = colour.r;
    image.pixels[i * 3 + 1] = colour.g;
    image.pixels[i * 3 + 2] = colour.b;
  }
  return image;
}

inline void fill(Image& image, const Box& box, Rgb colour) {
  for (int y = box.top; y < box.bottom(); ++y) {
    for (int x = box.left; x < box.right(); ++x) {
      auto* p = &image.pixels[static_cast<std::size_t>((y * image.width + x) * 3)];
      p[0] = colour.r, p[1] = colour.g, p[2] = colour.b;
    }
  }
}

// A person from head_row down to foot_row (both included), its middle at centre: a head, a trunk
// and two legs.
inline void draw_person(Image& image, int centre, int head_row, int foot_row, Rgb cloth = kCloth) {
  const int height = foot_row + 1 - head_row;
  const int head = height / 6;
  fill(image, {centre - head / 2, head_row, head | 1, head}, kSkin);
  fill(image, {centre - head, head_row + head, 2 * head | 1, height / 2}, cloth);
  const int leg_top = head_row + head + height / 2;
  fill(image, {centre - head, leg_top, head * 3 / 4, foot_row + 1 - leg_top}, cloth);
  fill(image, {centre + head - head * 3 / 4 + 1, leg_top, head * 3 / 4, foot_row + 1 - leg_top},
       cloth);
}

// Every pixel by a small generator: no ground anywhere.
inline Image noise(int width, int height) {
  Image image = blank(width, height);
  std::uint32_t state = 7;
  for (std::uint8_t& value : image.pixels) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<std::uint8_t>(state >> 24);
  }
  return image;
}

}  // namespace pirouette::assembly::testing
