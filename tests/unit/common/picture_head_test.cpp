// Pictures by their first bytes: sizes of all three formats, and everything else by its name.

#include "common/picture_head.h"

#include <gtest/gtest.h>

namespace pirouette {
namespace {

using namespace std::string_literals;

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string big(std::uint32_t value, int count) {
  std::string text;
  for (int i = count - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xFFu);
  return text;
}

std::string little(std::uint32_t value, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += static_cast<char>(value >> (8 * i) & 0xFFu);
  return text;
}

std::string chunk(const std::string& type, const std::string& content) {
  return big(static_cast<std::uint32_t>(content.size()), 4) + type + content + "crc!";
}

std::string png(std::uint32_t width, std::uint32_t height, const std::string& more = "") {
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", big(width, 4) + big(height, 4) + "\x08\x02\0\0\0"s) +
         more + chunk("IDAT", "pixels");
}

std::string jpeg(std::uint32_t width, std::uint32_t height) {
  return "\xff\xd8\xff\xe0"s + big(16, 2) + std::string(14, 'x') + "\xff\xff\xc2"s + big(17, 2) +
         "\x08" + big(height, 2) + big(width, 2) + std::string(10, 'x');
}

std::string webp(const std::string& type, const std::string& content) {
  return "RIFF" + little(static_cast<std::uint32_t>(content.size()) + 12, 4) + "WEBP" + type +
         little(static_cast<std::uint32_t>(content.size()), 4) + content;
}

std::string extended(std::uint32_t width, std::uint32_t height, char flags = 0) {
  return webp("VP8X", std::string(1, flags) + std::string(3, '\0') + little(width - 1, 3) +
                          little(height - 1, 3));
}

void expect_size(const std::string& bytes, PictureFormat format, int width, int height) {
  const auto head = check_reference(bytes_of(bytes));
  ASSERT_TRUE(head.ok()) << head.error().what;
  EXPECT_EQ(head.value().format, format);
  EXPECT_EQ(head.value().width, width);
  EXPECT_EQ(head.value().height, height);
}

std::string refusal(const std::string& bytes) {
  const auto head = check_reference(bytes_of(bytes));
  EXPECT_FALSE(head.ok());
  return head.ok() ? "" : head.error().what;
}

TEST(PictureHead, SizesOfAllFormats) {
  expect_size(png(832, 1248), PictureFormat::png, 832, 1248);
  expect_size(jpeg(4000, 6000), PictureFormat::jpeg, 4000, 6000);
  expect_size(extended(640, 960), PictureFormat::webp, 640, 960);
  expect_size(webp("VP8L", "\x2f" + little(639u | 959u << 14, 4) + "lossless"), PictureFormat::webp,
              640, 960);
  expect_size(webp("VP8 ", "tag\x9d\x01\x2a" + little(640, 2) + little(960, 2) + "lossy"),
              PictureFormat::webp, 640, 960);
}

TEST(PictureHead, OtherThingsAreNamed) {
  for (const auto& [bytes, words] : std::vector<std::pair<std::string, std::string>>{
           {"", "the file is empty"},
           {"this is not a picture", "but text;"},
           {"GIF89a.....", "a GIF"},
           {"8BPS.....", "a Photoshop file"},
           {"%PDF-1.7", "a PDF"},
           {"<svg xmlns=\"x\"/>", "an SVG"},
           {"\0\0\0\x1c"s + "ftypheic....", "a HEIC"},
           {"\0\0\0\x1c"s + "ftypavif....", "an AVIF"},
           {"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"},
           {"\x01\x02\x03", "this is not a picture that can be read"}}) {
    EXPECT_NE(refusal(bytes).find(words), std::string::npos) << words << ": " << refusal(bytes);
  }
  EXPECT_NE(refusal("GIF89a").find("PNG, JPEG and WebP are accepted"), std::string::npos);
}

TEST(PictureHead, AHundredMegapixelsAreTooMany) {
  for (const std::string& bytes :
       {png(10'000, 10'000), jpeg(10'000, 10'000), extended(10'000, 10'000)}) {
    const std::string said = refusal(bytes);
    EXPECT_NE(said.find("10000x10000 (100 megapixels)"), std::string::npos) << said;
    EXPECT_NE(said.find("64 megapixels are accepted"), std::string::npos) << said;
  }
  EXPECT_NE(refusal(png(20'000, 100)).find("16384 pixels a side"), std::string::npos);
  EXPECT_NE(refusal(png(0x7fffffff, 0x7fffffff)).find("accepted"), std::string::npos);
  EXPECT_NE(refusal(png(0xffffffff, 8)).find("makes no sense"), std::string::npos);
  EXPECT_NE(refusal(png(31, 500)).find("31x500"), std::string::npos);
}

TEST(PictureHead, MoreThan64MiBAreTooMany) {
  std::string bytes = png(832, 1248);
  bytes.resize(kReferenceMaxBytes + 1);
  EXPECT_NE(refusal(bytes).find("at most 64 are accepted"), std::string::npos);
}

TEST(PictureHead, AnimationsAreRefused) {
  EXPECT_NE(refusal(png(64, 64, chunk("acTL", big(3, 4) + big(0, 4)))).find("animated"),
            std::string::npos);
  EXPECT_NE(refusal(extended(64, 64, 0x02)).find("animated"), std::string::npos);
}

// Wherever it is cut off, it is refused or already known; nothing is read beyond the end.
TEST(PictureHead, AnyStartOfAPictureIsSafe) {
  for (const std::string& whole :
       {png(64, 64, chunk("tEXt", "a text")), jpeg(64, 64), extended(64, 64),
        webp("VP8L", "\x2f" + little(63u | 63u << 14, 4) + "lossless"),
        webp("VP8 ", "tag\x9d\x01\x2a" + little(64, 2) + little(64, 2) + "lossy")}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::vector<std::uint8_t> part(whole.begin(),
                                           whole.begin() + static_cast<std::ptrdiff_t>(size));
      const auto head = check_reference(part);
      if (head.ok()) {
        EXPECT_EQ(head.value().width, 64);
      } else {
        EXPECT_FALSE(head.error().what.empty());
      }
    }
    EXPECT_NE(refusal(whole.substr(0, 20)).find("broken"), std::string::npos);
  }
  // A chunk's length that runs around.
  EXPECT_TRUE(
      check_reference(bytes_of(png(64, 64).substr(0, 33) + big(0xffffffff, 4) + "tEXt")).ok());
}

}  // namespace
}  // namespace pirouette
