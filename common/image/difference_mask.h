#pragma once
// Where two pictures of one size visibly differ. Pure.

#include <cstdint>
#include <vector>

#include "common/image/image.h"

namespace pirouette {

// A byte a pixel, row by row: 1 where they differ in any channel by more than a shade.
std::vector<std::uint8_t> difference_mask(const Image& a, const Image& b);

}  // namespace pirouette
