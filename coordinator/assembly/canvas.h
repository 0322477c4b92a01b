#pragma once
// The sheet while it is painted: one block of RGB pixels, white at first. What is outside is
// clipped.

#include "common/image/image.h"
#include "coordinator/assembly/figure.h"

namespace pirouette::assembly {

class Canvas {
 public:
  Canvas(int width, int height);

  void set(int x, int y, Rgb colour);
  Rgb get(int x, int y) const;  // white outside
  void fill(const Box& box, Rgb colour);
  // Copies RGB pixels with their corner at (left, top), inside the box only.
  void paste(const Image& image, int left, int top, const Box& inside);
  // Paints the colour through a mask of one channel, 255 opaque.
  void stencil(const Image& mask, int left, int top, Rgb colour);

  const Image& image() const { return image_; }

 private:
  bool has(int x, int y) const { return x >= 0 && y >= 0 && x < image_.width && y < image_.height; }
  std::size_t index(int x, int y) const {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(image_.width) +
            static_cast<std::size_t>(x)) *
           3;
  }

  Image image_;
};

// under, covered by over to cover of 255.
Rgb blend(Rgb under, Rgb over, int cover);

}  // namespace pirouette::assembly
