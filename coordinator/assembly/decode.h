#pragma once
// Bytes from outside as libvips' pictures. Format, size and frames are read from the head before
// libvips is asked: its many other loaders never see what a user sent. Internal to assembly.

#include <cstdint>
#include <span>
#include <vips/vips8>

#include "common/result.h"

namespace pirouette::assembly {

// Header only; pixels are decoded when something asks for them. bytes must outlive the image.
// invalid, corrupt: what is wrong and what is accepted.
Result<vips::VImage> open_picture(std::span<const std::uint8_t> bytes, VipsAccess access);

// Whether to_upright_srgb8() would change nothing.
bool is_upright_srgb8(const vips::VImage& image);

// RGB or RGBA of 8 bits, turned as its EXIF says. May throw vips::VError.
vips::VImage to_upright_srgb8(const vips::VImage& image);

}  // namespace pirouette::assembly
