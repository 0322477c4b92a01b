#pragma once
// Finds the figure in a rendered view, on pixels alone. Ground is what has the border's colour and
// hangs together with the border, so a white apron inside an outline is figure, not ground. The
// figure is the largest connected piece of the rest; specks beside it do not count. A picture
// without a plain ground (noise) or with next to nothing on it has no findable figure.
//
// The body is measured, not the bounding box: a raised sword or a wide cape must not change a
// character's scale. Pure.

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/image/image.h"

namespace pirouette::assembly {

struct Box {
  int left = 0, top = 0, width = 0, height = 0;
  int right() const { return left + width; }   // one past
  int bottom() const { return top + height; }  // one past
  bool operator==(const Box&) const = default;
};

struct Rgb {
  std::uint8_t r = 255, g = 255, b = 255;
  bool operator==(const Rgb&) const = default;
};

struct Figure {
  Box box;           // of the largest piece
  int head_row = 0;  // top row of the body's core
  int foot_row = 0;  // lowest row with at least kFootMinPx figure pixels
  int centre_column = 0;
  bool touches_border = false;
  int large_pieces = 1;  // pieces at least kLargePieceShare of the largest, itself included

  int body_height() const { return foot_row - head_row + 1; }
  int full_height() const { return foot_row - box.top + 1; }  // with all that is worn or carried
};

// A single stray pixel below a shoe must not lift the body.
inline constexpr int kFootMinPx = 3;
// JPEG at quality 95 rings by up to 14 around drawn figures with dark outlines, at 85 by more,
// but even at 75 their boxes move by a pixel at most. Not tried on a diffusion model's own ground.
inline constexpr int kGroundTolerance = 24;  // of 255, in the channel that differs most
inline constexpr double kLargePieceShare = 0.25;

// Which pixels are ground.
struct Ground {
  int width = 0;
  std::vector<bool> pixels;
  bool at(int x, int y) const {
    return pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                  static_cast<std::size_t>(x)];
  }
};

// image: RGB.
Rgb ground_colour(const Image& image);
std::optional<Ground> find_ground(const Image& image);  // none: it has no plain one
std::optional<Figure> find_figure(const Image& image);

// The mean colours of a 16x16 grid over the box: the same drawing has nearly the same, whatever its
// scale and place.
inline constexpr int kLikenessSide = 16;
using Likeness = std::array<std::uint8_t, kLikenessSide * kLikenessSide * 3>;
Likeness likeness(const Image& image, const Box& box);

// Mean difference of the colours where they differ most, in the thirteen fields of 256: 0 to 255.
// What two true views share (the same clothes, much white) says nothing there; a face or an arm
// does.
inline constexpr int kLikenessFields = 13;
double difference(const Likeness& a, const Likeness& b);

Likeness mirrored(const Likeness& likeness);

}  // namespace pirouette::assembly
