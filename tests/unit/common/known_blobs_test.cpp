#include "common/known_blobs.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/folder.h"

namespace pirouette {
namespace {

class KnownBlobsTest : public ::testing::Test {
 protected:
  static constexpr std::uint8_t kBytes[] = {1, 2, 3};

  TestFolder folder;
  Blobs blobs = Blobs::open(folder.path()).value();
  const Digest digest = sha256(std::span(kBytes));
};

TEST_F(KnownBlobsTest, WhatIsNotThereIsLookedUpEachTime) {
  KnownBlobs known(blobs, &Blobs::contains);
  EXPECT_FALSE(known.contains(digest));
  ASSERT_TRUE(blobs.put(kBytes).ok());
  EXPECT_TRUE(known.contains(digest));
}

TEST_F(KnownBlobsTest, WhatWasThereOnceIsNotLookedUpAgain) {
  ASSERT_TRUE(blobs.put(kBytes).ok());
  KnownBlobs known(blobs, &Blobs::contains_durably);
  ASSERT_TRUE(known.contains(digest));
  std::filesystem::remove(blobs.path(digest));
  EXPECT_TRUE(known.contains(digest));
  EXPECT_FALSE(KnownBlobs(blobs, &Blobs::contains_durably).contains(digest));
}

TEST_F(KnownBlobsTest, WhatCameIsNotLookedUp) {
  KnownBlobs known(blobs, &Blobs::contains);
  known.note(digest);
  EXPECT_TRUE(known.contains(digest));
}

}  // namespace
}  // namespace pirouette
