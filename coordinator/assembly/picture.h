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

// ok: a whole PNG, JPEG or WebP within the limits. invalid or corrupt: what is wrong and what is
// accepted. Decodes everything, so a picture that is cut off is noticed.
Result<void> check_picture(std::span<const std::uint8_t> bytes);

// 8 bits RGB in sRGB, turned as its EXIF says, on white where it is transparent. Same limits.
Result<Image> decode_picture(std::span<const std::uint8_t> bytes);

// The picture in a file as a WebP, height_px high and never enlarged. io, invalid, corrupt.
Result<std::vector<std::uint8_t>> thumbnail(const std::filesystem::path& path, int height_px);

}  // namespace pirouette::assembly
