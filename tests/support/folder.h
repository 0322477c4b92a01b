#pragma once
// A new empty folder of a test's own, gone when the test ends.

#include <unistd.h>

#include <filesystem>
#include <string>

#include "common/result.h"

namespace pirouette {

class TestFolder {
 public:
  explicit TestFolder(
      const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    std::string name = (parent / "pirouette-test-XXXXXX").string();  // the X are mkdtemp's to fill
    PIROUETTE_CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace pirouette
