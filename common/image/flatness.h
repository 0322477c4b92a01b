#pragma once
// Whether a picture shows anything at all. A model whose numbers went wrong ends in one colour,
// mostly black; what it was asked for never does. Noise is not flat: it has no common colour.

#include <optional>
#include <string>

#include "common/image/image.h"

namespace pirouette {

// How far, of 255, a pixel may be from the common colour in the channel that differs most. An
// autoencoder's rounding moves a flat ground by 1.
inline constexpr int kFlatLevelsMax = 2;
// One pixel in so many may differ more: a stray one makes no picture. The thinnest figure that
// assembly finds covers thirty times as much.
inline constexpr std::size_t kFlatStrayOneIn = 1000;

// Says how flat it is, "every pixel is within 2/255 of (0, 0, 0)"; none for a picture that shows
// something.
std::optional<std::string> find_flatness(const Image& image);

}  // namespace pirouette
