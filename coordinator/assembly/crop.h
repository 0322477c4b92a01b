#pragma once
// Where the figure of a reference is, so that it can be cropped to it. Never a part of the figure
// is cut away: whatever differs from the ground by more than the ground differs from itself counts
// as figure, specks and shadows too, and where ground and figure cannot be told apart, or the
// figure reaches the border, the picture stays whole and a warning says so. (figure.h, which
// measures rendered views, is bolder: it drops what is small.) Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/assembly/figure.h"

namespace pirouette::assembly {

// Interleaved rows of RGB or RGBA, 8 bits, borrowed.
struct Pixels {
  const std::uint8_t* values = nullptr;
  int width = 0, height = 0, channels = 3;
};

struct Crop {
  std::optional<Box> box;  // none: nothing to gain, or not to be told
  std::vector<std::string> warnings;
};

// Ground that stays around the figure, of its longer side.
inline constexpr double kCropMargin = 0.04;
// A crop that leaves more than this of the picture's area is not worth another encoding; so a
// picture that is tight already stays what it is.
inline constexpr double kCropMaxLeft = 0.95;
// Below this height faces and hands have too few pixels to be followed.
inline constexpr int kFigureSmallPx = 256;

Crop find_crop(const Pixels& pixels);

}  // namespace pirouette::assembly
