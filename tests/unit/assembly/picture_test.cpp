// What users send as pictures: whole ones pass, everything else is refused in words.

#include "coordinator/assembly/picture.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "common/files.h"
#include "coordinator/assembly/vips_session.h"
#include "tests/unit/assembly/drawn_figure.h"

namespace pirouette::assembly {
namespace {

namespace fs = std::filesystem;
using namespace testing;
using Bytes = std::vector<std::uint8_t>;

Image person() {
  Image image = blank(192, 288);
  draw_person(image, 96, 40, 259);
  return image;
}

vips::VImage as_vips(const Image& image) {  // image must outlive it
  return vips::VImage::new_from_memory(const_cast<std::uint8_t*>(image.pixels.data()),
                                       image.pixels.size(), image.width, image.height,
                                       image.channels, VIPS_FORMAT_UCHAR)
      .copy(vips::VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
}

// As ".jpg", ".webp" or ".png".
Bytes save(const vips::VImage& image, const char* suffix) {
  void* memory = nullptr;
  std::size_t size = 0;
  image.write_to_buffer(suffix, &memory, &size);
  const auto* first = static_cast<const std::uint8_t*>(memory);
  Bytes bytes(first, first + size);
  g_free(memory);
  return bytes;
}

Bytes saved_as(const char* suffix) {
  const Image image = person();
  return with_vips([&] { return save(as_vips(image), suffix); }).value();
}

std::string refusal(const Bytes& bytes) {
  const Result<Reference> taken = as_reference(bytes);
  EXPECT_FALSE(taken.ok());
  return taken.ok() ? "" : taken.error().what;
}

TEST(Picture, PngJpegAndWebpPass) {
  for (const Bytes& bytes : {encode_png(person()).value(), saved_as(".jpg"), saved_as(".webp")}) {
    const Result<Reference> taken = as_reference(bytes);
    ASSERT_TRUE(taken.ok()) << taken.error().what;
    EXPECT_EQ(taken.value().width, 192);
    EXPECT_EQ(taken.value().height, 288);
    const Image kept = decode_png(taken.value().png).value();
    EXPECT_EQ(kept.channels, 3);
    EXPECT_NEAR(kept.pixels[static_cast<std::size_t>((120 * 192 + 96) * 3)], kCloth.r, 10);
    const Image decoded = decode_picture(bytes).value();
    EXPECT_EQ(decoded.width, 192);
    EXPECT_NEAR(decoded.pixels[static_cast<std::size_t>((120 * 192 + 96) * 3)], kCloth.r, 10);
  }
}

TEST(Picture, OtherBytesAreRefused) {
  const std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"99\" height=\"99\"/>";
  for (const std::string& text :
       {std::string(), std::string("hello"), svg, std::string("GIF89a")}) {
    EXPECT_EQ(refusal({text.begin(), text.end()}),
              "this is not a picture; PNG, JPEG and WebP are accepted");
  }
}

TEST(Picture, OneThatIsCutOffIsRefused) {
  for (Bytes bytes : {encode_png(noise(192, 288)).value(), saved_as(".jpg"), saved_as(".webp")}) {
    bytes.resize(bytes.size() / 2);
    EXPECT_NE(refusal(bytes).find("broken"), std::string::npos);
    bytes.resize(30);
    EXPECT_NE(refusal(bytes).find("broken"), std::string::npos);
  }
}

TEST(Picture, OneThatIsTooSmallOrTooLargeIsRefused) {
  EXPECT_NE(refusal(encode_png(blank(8, 200)).value()).find("8x200"), std::string::npos);
  // Only the header claims it: width 60000, height 60000.
  Bytes bomb = encode_png(person()).value();
  for (const std::size_t at : {16u, 20u}) {
    bomb[at + 2] = 0xEA, bomb[at + 3] = 0x60;
  }
  EXPECT_FALSE(refusal(bomb).empty());
  EXPECT_NE(refusal(Bytes(kPictureMaxBytes + 1)).find("at most 67108864"), std::string::npos);
}

TEST(Reference, APngThatWorkersReadStaysByteForByte) {
  Image image = person();
  EXPECT_EQ(as_reference(encode_png(image).value()).value().png, encode_png(image).value());
  image = Image{64, 64, 4, Bytes(64 * 64 * 4, 90)};
  EXPECT_EQ(as_reference(encode_png(image).value()).value().png, encode_png(image).value());
}

TEST(Reference, IsTurnedAsItsExifSays) {
  const Image image = person();
  const auto lying_as = [&](const char* suffix) {
    return with_vips([&] {
             vips::VImage sideways = as_vips(image).rot270().copy();
             sideways.set(VIPS_META_ORIENTATION, 6);  // to be turned clockwise
             // Savers of PNG copy EXIF that was loaded, and write none of their own.
             const Bytes jpeg = save(sideways, ".jpg");
             return save(vips::VImage::new_from_buffer(jpeg.data(), jpeg.size(), ""), suffix);
           })
        .value();
  };
  for (const char* suffix : {".jpg", ".webp", ".png"}) {
    const Reference upright = as_reference(lying_as(suffix)).value();
    EXPECT_EQ(upright.width, 192) << suffix;
    EXPECT_EQ(upright.height, 288) << suffix;
    const Image kept = decode_png(upright.png).value();
    const auto head = static_cast<std::size_t>((50 * 192 + 96) * 3);
    EXPECT_NEAR(kept.pixels[head], kSkin.r, 10) << suffix;
    EXPECT_NEAR(kept.pixels[head + 2], kSkin.b, 10) << suffix;
    EXPECT_EQ(as_reference(upright.png).value().png, upright.png) << "twice is as once";
  }
}

TEST(Reference, SixteenBitsAndGreyBecomeEightBitsOfColour) {
  const Image image = person();
  const Bytes deep = with_vips([&] {
                       return save(as_vips(image).colourspace(VIPS_INTERPRETATION_RGB16), ".png");
                     }).value();
  const Image kept = decode_png(as_reference(deep).value().png).value();
  EXPECT_EQ(kept.pixels, image.pixels);
  const Bytes grey = with_vips([&] {
                       return save(as_vips(image).colourspace(VIPS_INTERPRETATION_B_W), ".jpg");
                     }).value();
  EXPECT_EQ(decode_png(as_reference(grey).value().png).value().channels, 3);
}

TEST(Reference, KeepsItsTransparency) {
  Image image{64, 64, 4, Bytes(64 * 64 * 4, 90)};
  const Bytes webp =
      with_vips([&] { return save(as_vips(image), ".webp[lossless=true]"); }).value();
  const Image kept = decode_png(as_reference(webp).value().png).value();
  EXPECT_EQ(kept.channels, 4);
  EXPECT_EQ(kept.pixels[3], 90);
}

TEST(Reference, ItsColourProfileIsFollowed) {
  Image image = blank(64, 64, {20, 200, 40});
  const Bytes wide = with_vips([&] {
                       // The same green said in a wider space's numbers.
                       const vips::VImage said = as_vips(image).icc_transform(
                           "p3", vips::VImage::option()->set("input_profile", "srgb"));
                       return save(said, ".png");
                     }).value();
  EXPECT_GT(decode_png(wide).value().pixels[0], 60);
  const Image kept = decode_png(as_reference(wide).value().png).value();
  EXPECT_NEAR(kept.pixels[0], 20, 4);
  EXPECT_NEAR(kept.pixels[1], 200, 2);
}

TEST(Picture, TransparencyBecomesWhite) {
  Image image{64, 64, 4, Bytes(64 * 64 * 4, 0)};
  const Image decoded = decode_picture(encode_png(image).value()).value();
  EXPECT_EQ(decoded.channels, 3);
  EXPECT_EQ(decoded.pixels[0], 255);
}

TEST(Thumbnail, IsAsHighAsAskedAndNeverEnlarged) {
  const fs::path path =
      fs::temp_directory_path() / ("pirouette-thumbnail-" + std::to_string(::getpid()) + ".png");
  ASSERT_TRUE(write_file_durably(path, encode_png(person()).value()).ok());
  EXPECT_EQ(decode_picture(thumbnail(path, 144).value()).value().height, 144);
  EXPECT_EQ(decode_picture(thumbnail(path, 144).value()).value().width, 96);
  EXPECT_EQ(decode_picture(thumbnail(path, 999).value()).value().height, 288);
  EXPECT_FALSE(thumbnail(path, 0).ok());
  fs::remove(path);
  EXPECT_FALSE(thumbnail(path, 144).ok());
}

}  // namespace
}  // namespace pirouette::assembly
