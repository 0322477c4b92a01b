// See picture.h. The format is told from the first bytes, and only then libvips is asked: its many
// other loaders never see what a user sent.

#include "coordinator/assembly/picture.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "coordinator/assembly/vips_session.h"

namespace pirouette::assembly {
namespace {

using vips::VImage;

constexpr std::string_view kAccepted = "PNG, JPEG and WebP are accepted";

std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_png(std::span<const std::uint8_t> bytes) {
  return as_text(bytes).starts_with("\x89PNG\r\n\x1a\n");
}

bool is_accepted_format(std::span<const std::uint8_t> bytes) {
  const std::string_view text = as_text(bytes);
  return is_png(bytes) || text.starts_with("\xff\xd8\xff") ||
         (text.starts_with("RIFF") && text.size() >= 12 && text.substr(8, 4) == "WEBP");
}

std::string size_of(const VImage& image) {
  return std::to_string(image.width()) + "x" + std::to_string(image.height());
}

Result<void> check_size(const VImage& image) {
  const std::int64_t pixels = static_cast<std::int64_t>(image.width()) * image.height();
  if (std::min(image.width(), image.height()) < kPictureMinSide) {
    return Error{Errc::invalid, "the picture is " + size_of(image) + "; each side needs at least " +
                                    std::to_string(kPictureMinSide) + " pixels"};
  }
  if (std::max(image.width(), image.height()) > kImageMaxSide || pixels > kImageMaxPixels) {
    return Error{Errc::invalid, "the picture is " + size_of(image) + "; at most " +
                                    std::to_string(kImageMaxSide) + " pixels a side and " +
                                    std::to_string(kImageMaxPixels >> 20) +
                                    " megapixels are accepted"};
  }
  return {};
}

// Header only; pixels are decoded when something asks for them. bytes must outlive the image.
Result<VImage> open_picture(std::span<const std::uint8_t> bytes, VipsAccess access) {
  if (bytes.size() > kPictureMaxBytes) {
    return Error{Errc::invalid, "the file has " + std::to_string(bytes.size()) +
                                    " bytes; at most " + std::to_string(kPictureMaxBytes) +
                                    " are accepted"};
  }
  if (!is_accepted_format(bytes)) {
    return Error{Errc::invalid, "this is not a picture; " + std::string(kAccepted)};
  }
  Result<VImage> image = with_vips([&] {
    return VImage::new_from_buffer(
        bytes.data(), bytes.size(), "",
        VImage::option()->set("fail_on", VIPS_FAIL_ON_ERROR)->set("access", access));
  });
  if (!image.ok()) return std::move(image).error().with("the picture is broken");
  TRY(check_size(image.value()));
  return image;
}

bool has_colour_profile(const VImage& image) { return image.get_typeof(VIPS_META_ICC_NAME) != 0; }

bool is_upright_srgb8(const VImage& image) {
  return image.format() == VIPS_FORMAT_UCHAR &&
         image.interpretation() == VIPS_INTERPRETATION_sRGB &&
         (image.bands() == 3 || image.bands() == 4) && !has_colour_profile(image) &&
         vips_image_get_orientation(image.get_image()) <= 1;
}

// RGB or RGBA. Grey pictures' profiles are not followed: they say how dark, not which colour.
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

VImage to_white_rgb(VImage image) {
  image = to_upright_srgb8(image);
  if (image.has_alpha()) image = image.flatten(VImage::option()->set("background", 255.0));
  return image;
}

}  // namespace

Result<Reference> as_reference(std::span<const std::uint8_t> bytes) {
  // Through all pixels row by row where nothing has to change.
  const VImage rows = TRY(open_picture(bytes, VIPS_ACCESS_SEQUENTIAL));
  const bool unchanged = is_png(bytes) && is_upright_srgb8(rows);
  std::optional<VImage> whole;
  if (!unchanged) whole = TRY(open_picture(bytes, VIPS_ACCESS_RANDOM));
  Result<Reference> reference = with_vips([&] {
    if (unchanged) {
      static_cast<void>(rows.avg());
      return Reference{{bytes.begin(), bytes.end()}, rows.width(), rows.height()};
    }
    const VImage upright = to_upright_srgb8(*whole);
    return Reference{take_bytes(upright.pngsave_buffer(VImage::option()->set("strip", true))),
                     upright.width(), upright.height()};
  });
  if (!reference.ok()) return std::move(reference).error().with("the picture is broken");
  return reference;
}

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
