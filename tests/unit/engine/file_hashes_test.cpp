#include "worker/engine/residency/file_hashes.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/engine/folder.h"

namespace pirouette::engine {
namespace {

namespace fs = std::filesystem;

TEST(FileHashes, AreTheFilesSha256) {
  const Folder folder;
  FileHashes hashes({});
  EXPECT_EQ(hashes.hash(folder.write("a", "weights")).value(), sha256(std::string_view("weights")));
  EXPECT_EQ(hashes.hash(folder.path() / "none").error().code, Errc::not_found);
}

TEST(FileHashes, AChangedFileHasAnother) {
  const Folder folder;
  FileHashes hashes(folder.path() / "hashes");
  const fs::path file = folder.write("a", "weights");
  const Digest before = hashes.hash(file).value();
  folder.write("a", "other weights");
  EXPECT_NE(hashes.hash(file).value(), before);
}

// The memo is trusted: one that says another hash for the same stamp proves that the file was not
// read again.
TEST(FileHashes, AreRememberedAcrossStarts) {
  const Folder folder;
  const fs::path memo = folder.path() / "engine/hashes", file = folder.write("a", "weights");
  const Digest digest = FileHashes(memo).hash(file).value();
  std::string text;
  std::getline(std::ifstream(memo), text, '\0');
  text.replace(text.find(to_hex(digest)), 64, to_hex(sha256(std::string_view("memo"))));
  std::ofstream(memo) << text;
  EXPECT_EQ(FileHashes(memo).hash(file).value(), sha256(std::string_view("memo")));
}

TEST(FileHashes, ADamagedMemoCostsOnlyTime) {
  const Folder folder;
  const fs::path memo = folder.write("hashes", "1 2 3\nnonsense\n1 2 3 4 zz\n");
  EXPECT_EQ(FileHashes(memo).hash(folder.write("a", "weights")).value(),
            sha256(std::string_view("weights")));
}

TEST(FileHashes, OfSeveralFilesAreTheSameInAnotherFolder) {
  const Folder folder;
  FileHashes hashes({});
  const auto both = [&](const std::string& in, const std::string& second) {
    return hashes
        .hash_all(std::vector{folder.write(in + "/a", "1"), folder.write(in + "/b", second)})
        .value();
  };
  EXPECT_EQ(both("one", "2"), both("two", "2"));
  EXPECT_NE(both("one", "2"), both("three", "3"));
}

}  // namespace
}  // namespace pirouette::engine
