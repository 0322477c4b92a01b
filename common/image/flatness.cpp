#include "common/image/flatness.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace pirouette {
namespace {

// Of the colours, not of the transparency.
constexpr std::size_t kColours = 3;
using Colour = std::array<int, kColours>;

// Each channel's median.
Colour common_colour(const Image& image) {
  std::array<std::array<std::size_t, 256>, kColours> counts{};
  const auto channels = static_cast<std::size_t>(image.channels);
  const std::size_t pixels = image.pixels.size() / channels;
  for (std::size_t i = 0; i < image.pixels.size(); i += channels) {
    for (std::size_t c = 0; c < kColours; ++c) ++counts[c][image.pixels[i + c]];
  }
  Colour colour{};
  for (std::size_t c = 0; c < kColours; ++c) {
    for (std::size_t below = 0; colour[c] < 255; ++colour[c]) {
      below += counts[c][static_cast<std::size_t>(colour[c])];
      if (2 * below >= pixels) break;
    }
  }
  return colour;
}

}  // namespace

std::optional<std::string> find_flatness(const Image& image) {
  const Colour colour = common_colour(image);
  const auto channels = static_cast<std::size_t>(image.channels);
  const std::size_t pixels = image.pixels.size() / channels;
  std::size_t stray = 0;
  for (std::size_t i = 0; i < image.pixels.size(); i += channels) {
    bool near = true;
    for (std::size_t c = 0; c < kColours; ++c) {
      near = near && std::abs(image.pixels[i + c] - colour[c]) <= kFlatLevelsMax;
    }
    if (!near && ++stray * kFlatStrayOneIn > pixels) return std::nullopt;
  }
  const std::string who = stray == 0   ? "every pixel is"
                          : stray == 1 ? "all pixels but one are"
                                       : "all pixels but " + std::to_string(stray) + " are";
  return who + " within " + std::to_string(kFlatLevelsMax) + "/255 of (" +
         std::to_string(colour[0]) + ", " + std::to_string(colour[1]) + ", " +
         std::to_string(colour[2]) + ")";
}

}  // namespace pirouette
