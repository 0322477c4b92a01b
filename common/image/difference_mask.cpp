#include "common/image/difference_mask.h"

#include <cstdlib>

#include "common/result.h"

namespace pirouette {
namespace {

constexpr int kShade = 16;

}  // namespace

std::vector<std::uint8_t> difference_mask(const Image& a, const Image& b) {
  PIROUETTE_CHECK(a.channels == 3 && b.channels == 3 && a.pixels.size() == b.pixels.size());
  std::vector<std::uint8_t> mask(a.pixels.size() / 3);
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    if (std::abs(a.pixels[i] - b.pixels[i]) > kShade) mask[i / 3] = 1;
  return mask;
}

}  // namespace pirouette
