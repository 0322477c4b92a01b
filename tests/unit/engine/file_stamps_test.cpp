#include "worker/engine/residency/file_stamps.h"

#include <gtest/gtest.h>

#include "tests/unit/engine/folder.h"

namespace pirouette::engine {
namespace {

namespace fs = std::filesystem;
using State = FileStamps::State;

FileStamps stamps_of(const fs::path& path) {
  return FileStamps::take(model_files(path).value()).value();
}

TEST(FileStamps, UntouchedFilesAreTheSame) {
  const Folder folder;
  folder.write("a.safetensors", "weights");
  EXPECT_EQ(stamps_of(folder.path()).compare().state, State::same);
}

TEST(FileStamps, AFileReplacedByARenameHasChanged) {
  const Folder folder;
  const fs::path file = folder.write("a.safetensors", "weights");
  const auto times = fs::last_write_time(file);
  const FileStamps stamps = stamps_of(folder.path());
  const fs::path other = folder.write("new", "weightz");  // of the same size and time
  fs::last_write_time(other, times);
  fs::rename(other, file);
  const auto difference = stamps.compare();
  EXPECT_EQ(difference.state, State::changed);
  EXPECT_EQ(difference.file, file);
}

TEST(FileStamps, AFileWrittenInPlaceHasChanged) {
  const Folder folder;
  const fs::path file = folder.write("a.safetensors", "weights");
  const FileStamps stamps = stamps_of(folder.path());
  folder.write("a.safetensors", "weights and more");
  EXPECT_EQ(stamps.compare().state, State::changed);
}

TEST(FileStamps, AFileThatIsGoneIsToldBeforeOneThatChanged) {
  const Folder folder;
  folder.write("part/a.safetensors", "weights");
  const fs::path b = folder.write("part/b.json", "{}");
  const FileStamps stamps = stamps_of(folder.path());
  folder.write("part/a.safetensors", "weights and more");
  fs::remove(b);
  EXPECT_EQ(stamps.compare().state, State::gone);
  EXPECT_EQ(stamps.compare().file, b);
}

TEST(FileStamps, OnlyAModelsFilesCount) {
  const Folder folder;
  folder.write("model.safetensors", "weights");
  folder.write("README.md", "words");
  EXPECT_EQ(model_files(folder.path()).value().size(), 1u);
  EXPECT_EQ(FileStamps::take({folder.path() / "none"}).error().code, Errc::not_found);
}

}  // namespace
}  // namespace pirouette::engine
