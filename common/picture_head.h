#pragma once
// What the first bytes of a picture say, without decoding it: format, size, whether it moves. The
// command line refuses with it before anything is sent, and the coordinator before anything is
// decoded, so both say the same. Bytes are from outside: every read is checked. Pure.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "common/result.h"

namespace pirouette {

// Limits on a reference. A 16-megapixel photograph as PNG fits, a print scan does not; and 64
// megapixels decode to 256 MB of RGBA, which is as much as one request may cost.
inline constexpr std::size_t kReferenceMaxBytes = 64u << 20;
inline constexpr std::int64_t kReferenceMaxPixels = 64ll << 20;
inline constexpr int kReferenceMaxSide = 16384;
inline constexpr int kReferenceMinSide = 32;  // less than that is no picture of a character
inline constexpr std::string_view kReferenceFormats = "PNG, JPEG and WebP are accepted";

enum class PictureFormat { png, jpeg, webp };

struct PictureHead {
  PictureFormat format = PictureFormat::png;
  int width = 0, height = 0;  // as stored: EXIF may turn it
  bool moves = false;         // has more than one frame
};

// By content, never by name. invalid: something else, and what it looks like; corrupt: it ends or
// makes no sense before its size is said.
Result<PictureHead> read_picture_head(std::span<const std::uint8_t> bytes);

// Whether it may be a reference at all: format, bytes, sides, pixels, one frame. What cannot be
// seen without decoding (cut off, damaged) is not looked at.
Result<PictureHead> check_reference(std::span<const std::uint8_t> bytes);

}  // namespace pirouette
