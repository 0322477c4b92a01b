#include "tests/bench/engines/pictures.h"

#include <algorithm>
#include <cstdio>

namespace pirouette::bench {

Result<judge::Size> parse_size(const std::string& text) {
  judge::Size size;
  char after = 0;
  const auto fits = [](int side) { return side >= 64 && side <= 2048; };
  if (std::sscanf(text.c_str(), "%dx%d%c", &size.width, &size.height, &after) == 2 &&
      fits(size.width) && fits(size.height))
    return size;
  return Error{Errc::invalid, "--size " + text + " is no size; say WxH, such as 192x288"};
}

void paste(const Image& from, int left, int top, Image& onto) {
  PIROUETTE_CHECK(from.channels == 3 && onto.channels == 3);
  PIROUETTE_CHECK(left + from.width <= onto.width && top + from.height <= onto.height);
  const auto line = static_cast<std::size_t>(from.width) * 3;
  for (int y = 0; y < from.height; ++y) {
    const auto to = static_cast<std::size_t>((top + y) * onto.width + left) * 3;
    std::copy_n(&from.pixels[static_cast<std::size_t>(y) * line], line, &onto.pixels[to]);
  }
}

}  // namespace pirouette::bench
