#pragma once
// A picture as in a mirror: what a wrong turn looks like.

#include <algorithm>

#include "common/image/image.h"

namespace pirouette::testing {

// RGB.
inline Image mirrored(const Image& image) {
  Image out = image;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const auto from = static_cast<std::size_t>(y * image.width + image.width - 1 - x) * 3;
      std::copy_n(&image.pixels[from], 3,
                  &out.pixels[static_cast<std::size_t>(y * image.width + x) * 3]);
    }
  }
  return out;
}

}  // namespace pirouette::testing
