// See decode.h.

#include "coordinator/assembly/decode.h"

#include "common/picture_head.h"
#include "coordinator/assembly/vips_session.h"

namespace pirouette::assembly {
namespace {

using vips::VImage;

bool has_colour_profile(const VImage& image) { return image.get_typeof(VIPS_META_ICC_NAME) != 0; }

}  // namespace

Result<VImage> open_picture(std::span<const std::uint8_t> bytes, VipsAccess access) {
  TRY(check_reference(bytes));
  Result<VImage> image = with_vips([&] {
    return VImage::new_from_buffer(
        bytes.data(), bytes.size(), "",
        VImage::option()->set("fail_on", VIPS_FAIL_ON_ERROR)->set("access", access));
  });
  if (!image.ok()) return std::move(image).error().with("the picture is broken");
  return image;
}

bool is_upright_srgb8(const VImage& image) {
  return image.format() == VIPS_FORMAT_UCHAR &&
         image.interpretation() == VIPS_INTERPRETATION_sRGB &&
         (image.bands() == 3 || image.bands() == 4) && !has_colour_profile(image) &&
         vips_image_get_orientation(image.get_image()) <= 1;
}

// Grey pictures' profiles are not followed: they say how dark, not which colour.
VImage to_upright_srgb8(const VImage& image) {
  const bool follow_profile = has_colour_profile(image) && image.bands() >= 3 &&
                              image.interpretation() != VIPS_INTERPRETATION_CMYK;
  VImage upright = image.autorot().colourspace(VIPS_INTERPRETATION_sRGB);  // CMYK by its profile
  if (follow_profile) {
    // A profile that cannot be used counts as sRGB.
    upright = upright.icc_transform(
        "srgb", VImage::option()->set("embedded", true)->set("input_profile", "srgb"));
  }
  return upright.cast(VIPS_FORMAT_UCHAR);
}

}  // namespace pirouette::assembly
