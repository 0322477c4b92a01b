#pragma once
// Drawn pictures as files of every format, by libvips, for the tests of assembly.

#include <vector>

#include "coordinator/assembly/vips_session.h"
#include "tests/unit/assembly/drawn_figure.h"

namespace pirouette::assembly::testing {

using Bytes = std::vector<std::uint8_t>;

inline Image person() {
  Image image = blank(192, 288);
  draw_person(image, 96, 40, 259);
  return image;
}

inline vips::VImage as_vips(const Image& image) {  // image must outlive it
  return vips::VImage::new_from_memory(const_cast<std::uint8_t*>(image.pixels.data()),
                                       image.pixels.size(), image.width, image.height,
                                       image.channels, VIPS_FORMAT_UCHAR)
      .copy(vips::VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
}

// As ".jpg", ".webp" or ".png".
inline Bytes save(const vips::VImage& image, const char* suffix) {
  void* memory = nullptr;
  std::size_t size = 0;
  image.write_to_buffer(suffix, &memory, &size);
  const auto* first = static_cast<const std::uint8_t*>(memory);
  Bytes bytes(first, first + size);
  g_free(memory);
  return bytes;
}

inline Bytes saved_as(const char* suffix) {
  const Image image = person();
  return with_vips([&] { return save(as_vips(image), suffix); }).value();
}

}  // namespace pirouette::assembly::testing
