#pragma once
// A test's own folder, with files of text.

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/folder.h"

namespace pirouette::engine {

class Folder : public TestFolder {
 public:
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    const auto file = *this / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file;
  }
};

}  // namespace pirouette::engine
