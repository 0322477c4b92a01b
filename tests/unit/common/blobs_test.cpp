#include "common/blobs.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "common/files.h"
#include "tests/support/folder.h"

namespace pirouette {
namespace fs = std::filesystem;
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

class BlobsTest : public ::testing::Test {
 protected:
  Blobs open() { return Blobs::open(root_).value(); }
  std::size_t incoming_files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(root_ / "incoming"), {}));
  }

  const TestFolder temporary_;
  const fs::path root_ = temporary_.path();
  const Bytes hello_ = bytes_of("hello, farm");
  const Digest digest_ = sha256(hello_);
};

TEST_F(BlobsTest, PuttingTwiceIsTheSameAsOnce) {
  Blobs blobs = open();
  EXPECT_FALSE(blobs.contains(digest_));
  EXPECT_EQ(blobs.put(hello_).value(), digest_);
  EXPECT_EQ(blobs.put(hello_).value(), digest_);
  EXPECT_EQ(blobs.read(digest_).value(), hello_);
  EXPECT_EQ(blobs.find_size(digest_).value(), hello_.size());
  EXPECT_TRUE(blobs.contains_durably(digest_));
  EXPECT_EQ(incoming_files(), 0u);
  EXPECT_EQ(open().read(digest_).value(), hello_);  // another process sees it too
}

TEST_F(BlobsTest, ManyThreadsMayPutTheSameBytes) {
  Blobs blobs = open();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20; ++n) {
        EXPECT_TRUE(blobs.put(bytes_of("blob " + std::to_string(n))).ok());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(blobs.read(sha256("blob 19")).value(), bytes_of("blob 19"));
  EXPECT_EQ(incoming_files(), 0u);
}

TEST_F(BlobsTest, MissingBlobIsNotFound) {
  const Blobs blobs = open();
  EXPECT_EQ(blobs.read(digest_).error().code, Errc::not_found);
  EXPECT_EQ(blobs.read_range(digest_, 0, 1).error().code, Errc::not_found);
  EXPECT_EQ(blobs.find_size(digest_).error().code, Errc::not_found);
  EXPECT_FALSE(blobs.contains_durably(digest_));
}

TEST_F(BlobsTest, ABlobThatTheDiskCannotTellOfIsNotCalledMissing) {
  const Blobs blobs = open();
  fs::create_symlink(blobs.path(digest_), blobs.path(digest_));  // ELOOP
  EXPECT_EQ(blobs.find_size(digest_).error().code, Errc::io);
}

TEST_F(BlobsTest, ATransferThatCannotBeNamedBeginsAnew) {
  Blobs blobs = open();
  fs::create_directory(blobs.path(digest_));
  auto incoming = blobs.receive(digest_, hello_.size()).value();
  ASSERT_TRUE(incoming.append(hello_).ok());
  EXPECT_EQ(incoming.finish().error().code, Errc::io);
  EXPECT_EQ(incoming_files(), 0u);
}

TEST_F(BlobsTest, RottenBlobIsCorrupt) {
  Blobs blobs = open();
  ASSERT_TRUE(blobs.put(hello_).ok());
  std::ofstream(blobs.path(digest_)) << "jello, farm";
  EXPECT_EQ(blobs.read(digest_).error().code, Errc::corrupt);
}

TEST_F(BlobsTest, RangeIsCutAtTheEnd) {
  Blobs blobs = open();
  ASSERT_TRUE(blobs.put(hello_).ok());
  EXPECT_EQ(blobs.read_range(digest_, 7, 100).value(), bytes_of("farm"));
  EXPECT_EQ(blobs.read_range(digest_, 0, 5).value(), bytes_of("hello"));
  EXPECT_TRUE(blobs.read_range(digest_, 11, 5).value().empty());
  EXPECT_TRUE(blobs.read_range(digest_, UINT64_MAX, 5).value().empty());
}

TEST_F(BlobsTest, PiecesBecomeABlob) {
  Blobs blobs = open();
  auto incoming = blobs.receive(digest_, hello_.size()).value();
  ASSERT_TRUE(incoming.append(std::span(hello_).first(4)).ok());
  EXPECT_FALSE(blobs.contains(digest_));
  EXPECT_EQ(incoming.finish().error().code, Errc::invalid);  // bytes are missing still
  ASSERT_TRUE(incoming.append(std::span(hello_).subspan(4)).ok());
  ASSERT_TRUE(incoming.finish().ok());
  EXPECT_EQ(blobs.read(digest_).value(), hello_);
  EXPECT_EQ(incoming_files(), 0u);
}

TEST_F(BlobsTest, TransferGoesOnWhereItStopped) {
  Blobs blobs = open();
  {
    auto incoming = blobs.receive(digest_, hello_.size()).value();
    ASSERT_TRUE(incoming.append(std::span(hello_).first(4)).ok());
  }
  auto again = open().receive(digest_, hello_.size()).value();
  EXPECT_EQ(again.received(), 4u);
  ASSERT_TRUE(again.append(std::span(hello_).subspan(4)).ok());
  ASSERT_TRUE(again.finish().ok());
  EXPECT_TRUE(blobs.contains(digest_));
}

TEST_F(BlobsTest, WrongBytesAreCorruptAndThrownAway) {
  Blobs blobs = open();
  auto incoming = blobs.receive(digest_, 3).value();
  ASSERT_TRUE(incoming.append(bytes_of("abc")).ok());
  EXPECT_EQ(incoming.finish().error().code, Errc::corrupt);
  EXPECT_FALSE(blobs.contains(digest_));
  EXPECT_EQ(blobs.receive(digest_, 3).value().received(), 0u);
}

TEST_F(BlobsTest, MoreThanAnnouncedIsRefused) {
  Blobs blobs = open();
  auto incoming = blobs.receive(digest_, 3).value();
  EXPECT_EQ(incoming.append(bytes_of("abcd")).error().code, Errc::invalid);
  EXPECT_EQ(incoming.received(), 0u);
}

TEST_F(BlobsTest, LargerThanTheLimitIsRefusedBeforeAByteIsWritten) {
  Blobs blobs = open();
  EXPECT_EQ(blobs.receive(digest_, kBlobMaxBytes + 1).error().code, Errc::invalid);
  EXPECT_EQ(incoming_files(), 0u);
}

TEST_F(BlobsTest, OneReceiverADigestAtATime) {
  Blobs blobs = open();
  auto first = blobs.receive(digest_, hello_.size()).value();
  EXPECT_EQ(blobs.receive(digest_, hello_.size()).error().code, Errc::busy);
  first.discard();
  EXPECT_TRUE(blobs.receive(digest_, hello_.size()).ok());
}

TEST_F(BlobsTest, LongerPartialOfAnotherPromiseStartsOver) {
  Blobs blobs = open();
  {
    auto incoming = blobs.receive(digest_, 100).value();
    ASSERT_TRUE(incoming.append(Bytes(50)).ok());
  }
  EXPECT_EQ(blobs.receive(digest_, hello_.size()).value().received(), 0u);
}

TEST_F(BlobsTest, AbandonedPartialsAreSweptAndFreshOnesKept) {
  const auto age = [&](const Digest& digest, std::chrono::hours hours) {
    const fs::path partial = root_ / "incoming" / to_hex(digest);
    fs::last_write_time(partial, fs::file_time_type::clock::now() - hours);
  };
  const Digest other = sha256("other");
  const Digest held = sha256("held");
  Blobs blobs = open();
  (void)blobs.receive(digest_, 5).value();
  (void)blobs.receive(other, 5).value();
  const auto still_there = blobs.receive(held, 5).value();
  age(digest_, std::chrono::hours(25));
  age(other, std::chrono::hours(23));
  age(held, std::chrono::hours(25));
  open();
  EXPECT_FALSE(fs::exists(root_ / "incoming" / to_hex(digest_)));
  EXPECT_TRUE(fs::exists(root_ / "incoming" / to_hex(other)));
  EXPECT_TRUE(fs::exists(root_ / "incoming" / to_hex(held)));
}

TEST_F(BlobsTest, FolderThatCannotBeMadeIsSaid) {
  std::ofstream(root_ / "file") << "x";
  EXPECT_EQ(Blobs::open(root_ / "file" / "blobs").error().code, Errc::io);
}

}  // namespace
}  // namespace pirouette
