// Pictures decoded and made small.

#include "coordinator/assembly/picture.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "common/files.h"
#include "tests/unit/assembly/saved_picture.h"

namespace pirouette::assembly {
namespace {

namespace fs = std::filesystem;
using namespace testing;

TEST(Picture, AnyFormatIsDecoded) {
  for (const Bytes& bytes : {encode_png(person()).value(), saved_as(".jpg"), saved_as(".webp")}) {
    const Image decoded = decode_picture(bytes).value();
    EXPECT_EQ(decoded.width, 192);
    EXPECT_NEAR(decoded.pixels[static_cast<std::size_t>((120 * 192 + 96) * 3)], kCloth.r, 10);
  }
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
