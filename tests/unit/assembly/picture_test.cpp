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

// As ".jpg" or ".webp".
Bytes saved_as(const char* suffix) {
  Image image = person();
  return with_vips([&] {
           void* memory = nullptr;
           std::size_t size = 0;
           vips::VImage::new_from_memory(image.pixels.data(), image.pixels.size(), image.width,
                                         image.height, 3, VIPS_FORMAT_UCHAR)
               .copy(vips::VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB))
               .write_to_buffer(suffix, &memory, &size);
           const auto* first = static_cast<const std::uint8_t*>(memory);
           Bytes bytes(first, first + size);
           g_free(memory);
           return bytes;
         })
      .value();
}

std::string refusal(const Bytes& bytes) {
  const Result<void> checked = check_picture(bytes);
  EXPECT_FALSE(checked.ok());
  return checked.ok() ? "" : checked.error().what;
}

TEST(Picture, PngJpegAndWebpPass) {
  for (const Bytes& bytes : {encode_png(person()).value(), saved_as(".jpg"), saved_as(".webp")}) {
    const Result<void> checked = check_picture(bytes);
    EXPECT_TRUE(checked.ok()) << checked.error().what;
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
