#pragma once
// Pictures as users and workers send them: decoded, made small. All bytes come from outside. Safe
// from any thread.

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "common/image/image.h"
#include "common/result.h"

namespace pirouette::assembly {

inline constexpr int kThumbnailMaxHeight = 2048;

// 8 bits RGB in sRGB, turned as its EXIF says, on white where it is transparent. Limits as
// common/picture_head.h has them.
Result<Image> decode_picture(std::span<const std::uint8_t> bytes);

// The picture in a file as a WebP, height_px high and never enlarged. io, invalid, corrupt.
Result<std::vector<std::uint8_t>> thumbnail(const std::filesystem::path& path, int height_px);

}  // namespace pirouette::assembly
