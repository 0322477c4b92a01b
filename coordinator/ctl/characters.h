#pragma once
// A folder of reference pictures as characters: one picture each, its file's stem is the name, and
// NAME.txt beside it holds notes about the character's looks.

#include <filesystem>
#include <string>
#include <vector>

#include "common/result.h"

namespace pirouette::ctl {

struct Character {
  std::string name;
  std::filesystem::path picture;
  std::string notes;
};

// Sorted by file name. invalid: no folder, no pictures, two that would have the same name, notes
// that are too long or not UTF-8.
Result<std::vector<Character>> read_characters(const std::filesystem::path& folder);

}  // namespace pirouette::ctl
