#include "common/hash.h"

#include <gtest/gtest.h>

namespace pirouette {
namespace {

// FIPS 180-2, appendix B.
constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Hash, KnownTextsHaveTheirKnownDigests) {
  EXPECT_EQ(to_hex(sha256("")), kEmpty);
  EXPECT_EQ(to_hex(sha256("abc")), kAbc);
}

TEST(Hash, PiecesHashAsTheWhole) {
  const std::vector<std::uint8_t> abc{'a', 'b', 'c'};
  Sha256 hash;
  hash.update(std::span(abc).first(1));
  hash.update(std::span(abc).subspan(1));
  EXPECT_EQ(to_hex(hash.finish()), kAbc);
}

TEST(Hash, HexComesBackAsTheDigest) { EXPECT_EQ(parse_digest(kAbc).value(), sha256("abc")); }

TEST(Hash, OnlySixtyFourLowerCaseDigitsAreADigest) {
  std::string hex = kAbc;
  EXPECT_FALSE(parse_digest("").ok());
  EXPECT_FALSE(parse_digest(hex.substr(1)).ok());
  EXPECT_FALSE(parse_digest(hex + "0").ok());
  hex[5] = 'G';
  EXPECT_FALSE(parse_digest(hex).ok());
  hex[5] = 'A';
  EXPECT_EQ(parse_digest(hex).error().code, Errc::invalid);
}

TEST(Hash, ZeroDigestMeansNoBlob) {
  EXPECT_FALSE(Digest{});
  EXPECT_TRUE(sha256(""));
}

}  // namespace
}  // namespace pirouette
