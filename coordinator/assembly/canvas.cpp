#include "coordinator/assembly/canvas.h"

#include <algorithm>

namespace pirouette::assembly {

Rgb blend(Rgb under, Rgb over, int cover) {
  const auto channel = [cover](int below, int above) {
    return static_cast<std::uint8_t>((below * (255 - cover) + above * cover + 127) / 255);
  };
  return {channel(under.r, over.r), channel(under.g, over.g), channel(under.b, over.b)};
}

Canvas::Canvas(int width, int height) : image_{width, height, 3, {}} {
  image_.pixels.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3, 255);
}

void Canvas::set(int x, int y, Rgb colour) {
  if (!has(x, y)) return;
  std::uint8_t* p = &image_.pixels[index(x, y)];
  p[0] = colour.r, p[1] = colour.g, p[2] = colour.b;
}

Rgb Canvas::get(int x, int y) const {
  if (!has(x, y)) return {};
  const std::uint8_t* p = &image_.pixels[index(x, y)];
  return {p[0], p[1], p[2]};
}

void Canvas::fill(const Box& box, Rgb colour) {
  for (int y = box.top; y < box.bottom(); ++y) {
    for (int x = box.left; x < box.right(); ++x) set(x, y, colour);
  }
}

void Canvas::paste(const Image& image, int left, int top, const Box& inside) {
  const int from_x = std::max({left, inside.left, 0});
  const int to_x = std::min({left + image.width, inside.right(), image_.width});
  const int from_y = std::max({top, inside.top, 0});
  const int to_y = std::min({top + image.height, inside.bottom(), image_.height});
  if (from_x >= to_x) return;
  for (int y = from_y; y < to_y; ++y) {
    const std::size_t offset =
        (static_cast<std::size_t>(y - top) * static_cast<std::size_t>(image.width) +
         static_cast<std::size_t>(from_x - left)) *
        3;
    std::copy_n(&image.pixels[offset], static_cast<std::size_t>(to_x - from_x) * 3,
                &image_.pixels[index(from_x, y)]);
  }
}

void Canvas::stencil(const Image& mask, int left, int top, Rgb colour) {
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      const auto at = static_cast<std::size_t>(y) * static_cast<std::size_t>(mask.width) +
                      static_cast<std::size_t>(x);
      set(left + x, top + y, blend(get(left + x, top + y), colour, mask.pixels[at]));
    }
  }
}

}  // namespace pirouette::assembly
