#pragma once
// Pictures of 8 bits a channel, and PNG by libpng. For what Pirouette makes itself; the coordinator
// decodes what users send with libvips.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"

namespace pirouette {

// Interleaved rows, top first, no padding: pixels[(y * width + x) * channels + c].
struct Image {
  int width = 0;
  int height = 0;
  int channels = 3;  // 3 RGB or 4 RGBA
  std::vector<std::uint8_t> pixels;
};

// Limits of what is decoded: 16-megapixel references fit, decompression bombs do not.
inline constexpr int kImageMaxSide = 16384;
inline constexpr std::int64_t kImageMaxPixels = 64ll << 20;

// Any PNG (palette, grey, 16 bit, interlaced) as RGB, or RGBA where it has transparency.
// corrupt: not a PNG, or damaged; invalid: larger than the limits.
Result<Image> decode_png(std::span<const std::uint8_t> bytes);

// text: entries (UTF-8) in the key's order, as tEXt where they are ASCII and as iTXt where not, XMP
// always as iTXt. Deterministic: equal pictures, equal bytes.
Result<std::vector<std::uint8_t>> encode_png(const Image& image,
                                             const std::map<std::string, std::string>& text = {});

// RGBA over a white ground; RGB unchanged.
Image flatten_on_white(const Image& image);

}  // namespace pirouette
