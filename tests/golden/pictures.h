#pragma once
// Pictures in tests: reading them, and how far two of them are apart.

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "common/files.h"
#include "common/image/image.h"
#include "tests/golden/golden.h"

namespace pirouette::flux::golden {

inline Image load_png(const std::filesystem::path& path) {
  return get(decode_png(get(read_file(path, 1u << 24))));
}

// The most that two pictures differ in any channel of any pixel; 256 where their sizes do.
inline int largest_difference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height || a.channels != b.channels) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

}  // namespace pirouette::flux::golden
