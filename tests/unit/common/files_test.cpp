#include "common/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/support/folder.h"

namespace pirouette {
namespace fs = std::filesystem;
namespace {

class FilesTest : public ::testing::Test {
 protected:
  std::string text_of(const fs::path& path) {
    const auto bytes = read_file(path, 1 << 20).value();
    return {bytes.begin(), bytes.end()};
  }

  const TestFolder temporary_;
  const fs::path folder_ = temporary_.path();
};

TEST_F(FilesTest, WhatIsWrittenIsRead) {
  ASSERT_TRUE(write_file_durably(folder_ / "a", "some text").ok());
  EXPECT_EQ(text_of(folder_ / "a"), "some text");
}

TEST_F(FilesTest, WritingReplacesAndLeavesNothingBeside) {
  ASSERT_TRUE(write_file_durably(folder_ / "a", "a long first version").ok());
  ASSERT_TRUE(write_file_durably(folder_ / "a", "second").ok());
  EXPECT_EQ(text_of(folder_ / "a"), "second");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(FilesTest, FailedWriteLeavesTheOldFileAlone) {
  fs::create_directory(folder_ / "a");  // a file cannot take a folder's name
  EXPECT_EQ(write_file_durably(folder_ / "a", "text").error().code, Errc::io);
  EXPECT_TRUE(fs::is_directory(folder_ / "a"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(FilesTest, ModeOfANewFileIsAsAskedFor) {
  ASSERT_TRUE(write_file_durably(folder_ / "secret", "key", 0600).ok());
  struct stat status {};
  ASSERT_EQ(::stat((folder_ / "secret").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(FilesTest, LargerThanTheLimitIsAnErrorNotAPrefix) {
  ASSERT_TRUE(write_file_durably(folder_ / "a", "12345").ok());
  EXPECT_TRUE(read_file(folder_ / "a", 5).ok());
  EXPECT_EQ(read_file(folder_ / "a", 4).error().code, Errc::invalid);
}

TEST_F(FilesTest, MissingFileIsNotFoundAndAFolderIsNoFile) {
  EXPECT_EQ(read_file(folder_ / "none", 1).error().code, Errc::not_found);
  EXPECT_EQ(read_file(folder_, 1 << 20).error().code, Errc::invalid);
  EXPECT_EQ(write_file_durably(folder_ / "none" / "a", "x").error().code, Errc::not_found);
}

}  // namespace
}  // namespace pirouette
