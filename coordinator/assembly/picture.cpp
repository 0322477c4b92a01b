// See picture.h.

#include "coordinator/assembly/picture.h"

#include "coordinator/assembly/decode.h"
#include "coordinator/assembly/vips_session.h"

namespace pirouette::assembly {
namespace {

using vips::VImage;

VImage to_white_rgb(VImage image) {
  image = to_upright_srgb8(image);
  if (image.has_alpha()) image = image.flatten(VImage::option()->set("background", 255.0));
  return image;
}

}  // namespace

Result<Image> decode_picture(std::span<const std::uint8_t> bytes) {
  const VImage opened = TRY(open_picture(bytes, VIPS_ACCESS_RANDOM));
  Result<Image> decoded = with_vips([&] {
    const VImage rgb = to_white_rgb(opened);
    Image image{rgb.width(), rgb.height(), 3, {}};
    std::size_t size = 0;
    void* memory = rgb.write_to_memory(&size);
    const auto* first = static_cast<const std::uint8_t*>(memory);
    image.pixels.assign(first, first + size);
    g_free(memory);
    return image;
  });
  if (!decoded.ok()) return std::move(decoded).error().with("the picture is broken");
  const Image& image = decoded.value();
  PIROUETTE_CHECK(image.pixels.size() == static_cast<std::size_t>(image.width) *
                                             static_cast<std::size_t>(image.height) * 3);
  return decoded;
}

Result<std::vector<std::uint8_t>> thumbnail(const std::filesystem::path& path, int height_px) {
  if (height_px < 1 || height_px > kThumbnailMaxHeight) {
    return Error{Errc::invalid, "a thumbnail is 1 to " + std::to_string(kThumbnailMaxHeight) +
                                    " pixels high, not " + std::to_string(height_px)};
  }
  return with_vips([&] {
    const VImage small =
        VImage::thumbnail(path.c_str(), VIPS_MAX_COORD,
                          VImage::option()->set("height", height_px)->set("size", VIPS_SIZE_DOWN));
    return take_bytes(small.webpsave_buffer(VImage::option()->set("Q", 85)->set("strip", true)));
  });
}

}  // namespace pirouette::assembly
