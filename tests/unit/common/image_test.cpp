#include "common/image/image.h"

#include <gtest/gtest.h>
#include <png.h>

#include <string_view>

#include "common/rng.h"

namespace pirouette {
namespace {

using Bytes = std::vector<std::uint8_t>;

Image noise(int width, int height, int channels) {
  Image image{width, height, channels, {}};
  Rng rng(7);
  image.pixels.resize(static_cast<std::size_t>(width * height * channels));
  for (auto& pixel : image.pixels) pixel = static_cast<std::uint8_t>(rng.next());
  return image;
}

// A PNG as other tools write them, by libpng's simplified interface.
Bytes foreign_png(png_uint_32 format, int width, int height, const void* pixels,
                  const void* palette = nullptr, png_uint_32 palette_size = 0) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = format;
  image.colormap_entries = palette_size;
  png_alloc_size_t size = 0;
  EXPECT_TRUE(png_image_write_get_memory_size(image, size, 0, pixels, 0, palette));
  Bytes bytes(size);
  EXPECT_TRUE(png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels, 0, palette));
  return bytes;
}

void put_u32(Bytes& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i)
    bytes[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

// Writes another size into IHDR and mends its checksum (zlib's CRC-32, bit by bit).
Bytes with_size(Bytes png, std::uint32_t width, std::uint32_t height) {
  put_u32(png, 16, width);
  put_u32(png, 20, height);
  std::uint32_t crc = ~0u;
  for (std::size_t i = 12; i < 29; ++i) {
    crc ^= png[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  put_u32(png, 29, ~crc);
  return png;
}

bool has(const Bytes& bytes, std::string_view text) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).find(text) !=
         text.npos;
}

TEST(Image, RgbAndRgbaComeBackAsTheyWere) {
  for (const int channels : {3, 4}) {
    const Image image = noise(37, 11, channels);
    const Image back = decode_png(encode_png(image).value()).value();
    EXPECT_EQ(back.width, 37);
    EXPECT_EQ(back.height, 11);
    EXPECT_EQ(back.channels, channels);
    EXPECT_EQ(back.pixels, image.pixels);
  }
}

TEST(Image, EqualPicturesGiveEqualBytes) {
  const Image image = noise(64, 64, 3);
  const std::map<std::string, std::string> text{{"seed", "42"}, {"prompt", "a knight"}};
  EXPECT_EQ(encode_png(image, text).value(), encode_png(image, text).value());
}

TEST(Image, TextIsWrittenPlainOrInternational) {
  const Image image = noise(2, 2, 3);
  const Bytes plain = encode_png(image, {{"prompt", "a knight"}}).value();
  EXPECT_TRUE(has(plain, "tEXtprompt"));
  const Bytes international = encode_png(image, {{"prompt", "騎士"}}).value();
  EXPECT_TRUE(has(international, "iTXtprompt"));
  EXPECT_TRUE(has(international, "騎士"));
  EXPECT_EQ(decode_png(international).value().pixels, image.pixels);
}

TEST(Image, TextThatNoReaderCouldReadIsRefused) {
  const Image image = noise(2, 2, 3);
  for (const std::string key : {"", " lead", "trail ", "a\nb", "schlüssel"}) {
    EXPECT_EQ(encode_png(image, {{key, "x"}}).error().code, Errc::invalid) << key;
  }
  EXPECT_FALSE(encode_png(image, {{std::string(80, 'k'), "x"}}).ok());
  EXPECT_FALSE(encode_png(image, {{"key", std::string("a\0b", 3)}}).ok());
}

TEST(Image, GreyBecomesRgb) {
  const Bytes grey{0, 100, 255};
  const Image image = decode_png(foreign_png(PNG_FORMAT_GRAY, 3, 1, grey.data())).value();
  EXPECT_EQ(image.channels, 3);
  EXPECT_EQ(image.pixels, (Bytes{0, 0, 0, 100, 100, 100, 255, 255, 255}));
}

TEST(Image, PaletteBecomesRgbAndItsTransparencyAlpha) {
  const Bytes indices{0, 1};
  const Bytes opaque{1, 2, 3, 4, 5, 6};
  const Bytes rgb = foreign_png(PNG_FORMAT_RGB_COLORMAP, 2, 1, indices.data(), opaque.data(), 2);
  EXPECT_EQ(decode_png(rgb).value().pixels, opaque);
  const Bytes clear{1, 2, 3, 255, 4, 5, 6, 128};
  const Bytes rgba = foreign_png(PNG_FORMAT_RGBA_COLORMAP, 2, 1, indices.data(), clear.data(), 2);
  EXPECT_EQ(decode_png(rgba).value().channels, 4);
  EXPECT_EQ(decode_png(rgba).value().pixels, clear);
}

TEST(Image, SixteenBitsAreRoundedToEight) {
  const std::uint16_t linear[6] = {0, 0xFFFF, 0, 0xFFFF, 0, 0xFFFF};
  const Image image = decode_png(foreign_png(PNG_FORMAT_LINEAR_RGB, 2, 1, linear)).value();
  EXPECT_EQ(image.pixels, (Bytes{0, 255, 0, 255, 0, 255}));
}

TEST(Image, EveryTruncationIsAnError) {
  const Bytes whole = encode_png(noise(9, 9, 3)).value();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto result = decode_png(std::span(whole).first(length));
    ASSERT_FALSE(result.ok()) << length;
    EXPECT_EQ(result.error().code, Errc::corrupt);
  }
}

TEST(Image, AnyFlippedByteIsAnErrorOrAPicture) {
  const Bytes whole = encode_png(noise(9, 9, 4)).value();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    Bytes broken = whole;
    broken[at] ^= 0xFF;
    const auto result = decode_png(broken);
    if (!result.ok()) continue;
    const Image& image = result.value();
    EXPECT_EQ(image.pixels.size(),
              static_cast<std::size_t>(image.width * image.height * image.channels));
  }
}

TEST(Image, WhatIsNotAPngIsSaidToBeNone) {
  const Bytes jpeg{0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 'J', 'F', 'I', 'F', 0, 1};
  EXPECT_EQ(decode_png(jpeg).error().code, Errc::corrupt);
  EXPECT_NE(decode_png(jpeg).error().what.find("PNG"), std::string::npos);
}

TEST(Image, AnnouncedBombIsRefusedBeforeItIsUnpacked) {
  const Bytes small = encode_png(noise(2, 2, 3)).value();
  for (const auto& [width, height] : {std::pair{20000u, 2u}, {2u, 20000u}, {16000u, 16000u}}) {
    const auto result = decode_png(with_size(small, width, height));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().code, Errc::invalid) << result.error().what;
    EXPECT_NE(result.error().what.find(std::to_string(width)), std::string::npos);
  }
}

TEST(Image, TransparencyIsFlattenedOnWhite) {
  const Image image{3, 1, 4, {10, 20, 30, 255, 10, 20, 30, 0, 0, 0, 0, 128}};
  EXPECT_EQ(flatten_on_white(image).pixels, (Bytes{10, 20, 30, 255, 255, 255, 127, 127, 127}));
  EXPECT_EQ(flatten_on_white(image).channels, 3);
}

}  // namespace
}  // namespace pirouette
