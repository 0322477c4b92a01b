#pragma once
// Pictures as users and workers send them: checked, decoded, made small. All bytes come from
// outside. Safe from any thread.

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "common/image/image.h"
#include "common/result.h"

namespace pirouette::assembly {

// A reference: a 16-megapixel photograph as PNG fits, a print scan does not.
inline constexpr std::size_t kPictureMaxBytes = 64 << 20;
inline constexpr int kPictureMinSide = 32;  // less than that is no picture of a character
inline constexpr int kThumbnailMaxHeight = 2048;

struct Reference {
  std::vector<std::uint8_t> png;  // 8 bits, RGB or RGBA in sRGB, upright
  int width = 0, height = 0;
};

// A PNG, JPEG or WebP as the PNG that workers read: turned as its EXIF says, in sRGB as its colour
// profile says, its transparency kept. A PNG that is all this already stays byte for byte. Decodes
// everything, so a picture that is cut off is noticed. invalid or corrupt: what is wrong and what
// is accepted.
Result<Reference> as_reference(std::span<const std::uint8_t> bytes);

// 8 bits RGB in sRGB, turned as its EXIF says, on white where it is transparent. Same limits.
Result<Image> decode_picture(std::span<const std::uint8_t> bytes);

// The picture in a file as a WebP, height_px high and never enlarged. io, invalid, corrupt.
Result<std::vector<std::uint8_t>> thumbnail(const std::filesystem::path& path, int height_px);

}  // namespace pirouette::assembly
