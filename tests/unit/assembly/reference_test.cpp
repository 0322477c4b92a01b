// What workers get of what a studio sends: every kind of picture becomes an upright PNG in sRGB, or
// is refused in words.

#include "coordinator/assembly/reference.h"

#include <gtest/gtest.h>

#include "common/picture_head.h"
#include "tests/unit/assembly/saved_picture.h"

namespace pirouette::assembly {
namespace {

using namespace testing;

// person() is 73x220 at 60, 40; 4 % of 220 is ground around it.
constexpr Box kPersonCrop{51, 31, 91, 238};

std::string refusal(const Bytes& bytes) {
  const Result<Reference> taken = as_reference(bytes);
  EXPECT_FALSE(taken.ok());
  return taken.ok() ? "" : taken.error().what;
}

// Of what is kept, where (x, y) of the upright picture is now.
const std::uint8_t* pixel_at(const Image& kept, const Box& crop, int x, int y) {
  return &kept.pixels[static_cast<std::size_t>(((y - crop.top) * kept.width + x - crop.left) *
                                               kept.channels)];
}

TEST(Reference, PngJpegAndWebpPass) {
  for (const Bytes& bytes : {encode_png(person()).value(), saved_as(".jpg"), saved_as(".webp")}) {
    const Result<Reference> taken = as_reference(bytes);
    ASSERT_TRUE(taken.ok()) << taken.error().what;
    const Image kept = decode_png(taken.value().png).value();
    EXPECT_EQ(kept.channels, 3);
    EXPECT_EQ(kept.width, taken.value().width);
    EXPECT_EQ(kept.height, taken.value().height);
    EXPECT_NEAR(pixel_at(kept, taken.value().crop.value(), 96, 120)[0], kCloth.r, 10);
  }
}

TEST(Reference, IsCroppedToItsFigureWithAMargin) {
  const Reference taken = as_reference(encode_png(person()).value()).value();
  EXPECT_EQ(taken.crop, kPersonCrop);
  EXPECT_EQ(taken.width, kPersonCrop.width);
  EXPECT_EQ(taken.height, kPersonCrop.height);
  // What a lossy format does to the ground near the figure may count as figure, nothing else.
  for (const char* suffix : {".jpg", ".webp"}) {
    const Box crop = as_reference(saved_as(suffix)).value().crop.value();
    EXPECT_LE(crop.left, kPersonCrop.left) << suffix;
    EXPECT_LE(crop.top, kPersonCrop.top) << suffix;
    EXPECT_GE(crop.right(), kPersonCrop.right()) << suffix;
    EXPECT_GE(crop.bottom(), kPersonCrop.bottom()) << suffix;
    EXPECT_LT(crop.width, kPersonCrop.width + 40) << suffix;
  }
}

TEST(Reference, APngThatIsTightStaysByteForByte) {
  const Bytes tight = as_reference(encode_png(person()).value()).value().png;
  const Reference again = as_reference(tight).value();
  EXPECT_EQ(again.png, tight) << "twice is as once";
  EXPECT_EQ(again.crop, std::nullopt);
  const Image image{64, 64, 4, Bytes(64 * 64 * 4, 90)};
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
    EXPECT_GT(upright.height, 2 * upright.width) << suffix;
    const Image kept = decode_png(upright.png).value();
    const std::uint8_t* const head = pixel_at(kept, upright.crop.value(), 96, 50);
    EXPECT_NEAR(head[0], kSkin.r, 10) << suffix;
    EXPECT_NEAR(head[2], kSkin.b, 10) << suffix;
  }
}

TEST(Reference, SixteenBitsGreyPaletteAndCmykBecomeEightBitsOfColour) {
  const Image image = person();
  const auto saved = [&](VipsInterpretation as, const char* suffix) {
    return with_vips([&] { return save(as_vips(image).colourspace(as), suffix); }).value();
  };
  const Image whole = decode_png(as_reference(encode_png(image).value()).value().png).value();
  const Reference deep = as_reference(saved(VIPS_INTERPRETATION_RGB16, ".png")).value();
  EXPECT_EQ(decode_png(deep.png).value().pixels, whole.pixels);
  const Reference palette = as_reference(saved_as(".png[palette]")).value();
  EXPECT_EQ(palette.crop, kPersonCrop);
  for (const Bytes& bytes :
       {saved(VIPS_INTERPRETATION_B_W, ".jpg"), saved(VIPS_INTERPRETATION_B_W, ".png"),
        saved(VIPS_INTERPRETATION_GREY16, ".png"), saved(VIPS_INTERPRETATION_CMYK, ".jpg"),
        palette.png}) {
    const Reference taken = as_reference(bytes).value();
    const Image kept = decode_png(taken.png).value();
    EXPECT_EQ(kept.channels, 3);
    EXPECT_NEAR(kept.pixels[0], 255, 6) << "white stays white";
    EXPECT_LT(
        kept.pixels[static_cast<std::size_t>((kept.height / 2 * kept.width + kept.width / 2) * 3)],
        128);
  }
}

TEST(Reference, KeepsItsTransparencyAndIsCroppedByIt) {
  Image image{200, 300, 4, Bytes(200 * 300 * 4, 0)};
  for (int y = 100; y < 200; ++y) {
    for (int x = 50; x < 80; ++x) {
      std::uint8_t* const p = &image.pixels[static_cast<std::size_t>((y * 200 + x) * 4)];
      p[0] = 90, p[3] = 200;
    }
  }
  const Bytes webp =
      with_vips([&] { return save(as_vips(image), ".webp[lossless=true]"); }).value();
  const Reference taken = as_reference(webp).value();
  EXPECT_EQ(taken.crop, (Box{46, 96, 38, 108}));
  const Image kept = decode_png(taken.png).value();
  EXPECT_EQ(kept.channels, 4);
  EXPECT_EQ(kept.pixels[3], 0);
  EXPECT_EQ(kept.pixels[static_cast<std::size_t>((50 * 38 + 20) * 4 + 3)], 200);
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

// --- hostile and broken files ---

TEST(Reference, OtherBytesAreRefused) {
  const std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"99\" height=\"99\"/>";
  for (const std::string& text : {std::string("hello"), svg, std::string("GIF89a")}) {
    EXPECT_NE(refusal({text.begin(), text.end()}).find("PNG, JPEG and WebP are accepted"),
              std::string::npos)
        << text;
  }
  EXPECT_NE(refusal({}).find("empty"), std::string::npos);
}

TEST(Reference, OneThatIsCutOffIsRefused) {
  for (Bytes bytes : {encode_png(noise(192, 288)).value(), saved_as(".jpg"), saved_as(".webp")}) {
    bytes.resize(bytes.size() / 2);
    EXPECT_NE(refusal(bytes).find("broken"), std::string::npos);
    bytes.resize(30);
    EXPECT_NE(refusal(bytes).find("broken"), std::string::npos);
  }
}

TEST(Reference, OneThatIsDamagedInsideIsRefused) {
  Bytes bytes = encode_png(noise(192, 288)).value();
  bytes[bytes.size() / 2] ^= 0x55;
  EXPECT_NE(refusal(bytes).find("broken"), std::string::npos);
}

TEST(Reference, OneThatIsTooSmallOrTooLargeIsRefused) {
  EXPECT_NE(refusal(encode_png(blank(8, 200)).value()).find("8x200"), std::string::npos);
  // Only the header claims it: width 60000, height 60000.
  Bytes bomb = encode_png(person()).value();
  for (const std::size_t at : {16u, 20u}) {
    bomb[at + 2] = 0xEA, bomb[at + 3] = 0x60;
  }
  EXPECT_NE(refusal(bomb).find("60000x60000"), std::string::npos);
  EXPECT_NE(refusal(Bytes(kReferenceMaxBytes + 1)).find("at most 64 are accepted"),
            std::string::npos);
}

TEST(Reference, AnAnimationIsRefused) {
  Image image = blank(64, 128);
  fill(image, {0, 64, 64, 64}, kCloth);  // the second frame
  const Bytes moving = with_vips([&] {
                         vips::VImage frames = as_vips(image).copy();
                         frames.set(VIPS_META_PAGE_HEIGHT, 64);
                         return save(frames, ".webp");
                       }).value();
  EXPECT_NE(refusal(moving).find("animated"), std::string::npos);
}

// Any single byte of any picture may be anything: it is taken or refused, and nothing else happens.
TEST(Reference, AChangedByteIsTakenOrRefused) {
  for (const Bytes& whole : {saved_as(".png"), saved_as(".jpg"), saved_as(".webp")}) {
    std::uint32_t state = 11;
    for (int round = 0; round < 150; ++round) {
      Bytes bytes = whole;
      state = state * 1664525u + 1013904223u;
      bytes[(state >> 8) % std::min<std::size_t>(bytes.size(), 600)] ^=
          static_cast<std::uint8_t>(1u << (state >> 29));
      const auto taken = as_reference(bytes);
      if (taken.ok()) {
        EXPECT_TRUE(decode_png(taken.value().png).ok());
      } else {
        EXPECT_FALSE(taken.error().what.empty());
      }
    }
  }
}

}  // namespace
}  // namespace pirouette::assembly
