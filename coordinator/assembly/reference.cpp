// See reference.h.

#include "coordinator/assembly/reference.h"

#include "common/image/image.h"
#include "common/picture_head.h"
#include "coordinator/assembly/crop.h"
#include "coordinator/assembly/decode.h"
#include "coordinator/assembly/vips_session.h"

namespace pirouette::assembly {
namespace {

using vips::VImage;

Pixels pixels_of(const VImage& in_memory) {
  return {static_cast<const std::uint8_t*>(in_memory.data()), in_memory.width(), in_memory.height(),
          in_memory.bands()};
}

// upright: in memory. unchanged: the bytes that it was decoded from, if they may stay.
Reference make_reference(const VImage& upright,
                         std::optional<std::span<const std::uint8_t>> unchanged) {
  Crop found = find_crop(pixels_of(upright));
  Reference reference;
  reference.warnings = std::move(found.warnings);
  reference.crop = found.box;
  VImage kept = upright;
  if (const auto& box = found.box) {
    kept = upright.extract_area(box->left, box->top, box->width, box->height);
  }
  reference.width = kept.width();
  reference.height = kept.height();
  if (unchanged && !found.box) {
    reference.png.assign(unchanged->begin(), unchanged->end());
  } else {
    reference.png = take_bytes(kept.pngsave_buffer(VImage::option()->set("strip", true)));
  }
  return reference;
}

}  // namespace

Result<Reference> as_reference(std::span<const std::uint8_t> bytes) {
  const PictureHead head = TRY(check_reference(bytes));
  // Through all pixels row by row where nothing has to change.
  const VImage rows = TRY(open_picture(bytes, VIPS_ACCESS_SEQUENTIAL));
  const bool unchanged = head.format == PictureFormat::png && is_upright_srgb8(rows);
  std::optional<VImage> whole;
  if (!unchanged) whole = TRY(open_picture(bytes, VIPS_ACCESS_RANDOM));
  Result<Reference> reference = with_vips([&] {
    if (unchanged) return make_reference(rows.copy_memory(), bytes);
    return make_reference(to_upright_srgb8(*whole).copy_memory(), std::nullopt);
  });
  if (!reference.ok()) return std::move(reference).error().with("the picture is broken");
  // What stays as it came is read by workers with libpng, which forgives less than libvips, and
  // always the same.
  if (unchanged && !reference.value().crop) {
    const auto readable = decode_png(bytes);
    if (!readable.ok()) return Error(readable.error()).with("the picture is broken");
  }
  return reference;
}

}  // namespace pirouette::assembly
