#include "coordinator/ctl/characters.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/job/recipe.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kPictureEndings{".png", ".jpg", ".jpeg", ".webp"};

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool is_picture(const fs::directory_entry& entry) {
  std::error_code failed;
  return entry.is_regular_file(failed) &&
         std::ranges::find(kPictureEndings, lower_case(entry.path().extension().string())) !=
             kPictureEndings.end();
}

bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(nlohmann::json(text).dump());
    return true;
  } catch (const nlohmann::json::type_error&) {
    return false;
  }
}

std::string trim(const std::string& text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

Result<std::string> read_notes(fs::path picture) {
  const fs::path file = picture.replace_extension(".txt");
  std::error_code failed;
  if (!fs::is_regular_file(file, failed)) return std::string();
  const auto bytes = TRY(read_file(file, kPromptMaxBytes));
  std::string notes = trim(std::string(bytes.begin(), bytes.end()));
  if (!is_utf8(notes)) {
    return Error{Errc::invalid, file.string() + " is not UTF-8 text; save it as UTF-8"};
  }
  return notes;
}

}  // namespace

Result<std::vector<Character>> read_characters(const fs::path& folder) {
  std::error_code failed;
  std::vector<fs::path> pictures;
  for (const auto& entry : fs::directory_iterator(folder, failed)) {
    if (is_picture(entry)) pictures.push_back(entry.path());
  }
  if (failed) {
    return Error{Errc::invalid, "cannot read the folder " + folder.string() + ": " +
                                    failed.message() + "; name a folder of reference pictures"};
  }
  if (pictures.empty()) {
    return Error{Errc::invalid, "the folder " + folder.string() +
                                    " is empty of pictures; put one reference picture per "
                                    "character in it (.png, .jpg or .webp)"};
  }
  std::ranges::sort(pictures);

  std::vector<Character> characters;
  std::map<std::string, fs::path> taken;  // by name in lower case: some file systems fold it
  for (const fs::path& picture : pictures) {
    Character character{safe_name(picture.stem().string()), picture, {}};
    if (character.name.empty()) {
      return Error{Errc::invalid, picture.filename().string() +
                                      ": no character's name is left of this file's name; use "
                                      "letters, digits, '_' and '-'"};
    }
    const auto [other, is_new] = taken.emplace(lower_case(character.name), picture);
    if (!is_new) {
      return Error{Errc::invalid,
                   other->second.filename().string() + " and " + picture.filename().string() +
                       " would both be the character \"" + character.name + "\"; rename one"};
    }
    character.notes = TRY(read_notes(picture));
    characters.push_back(std::move(character));
  }
  return characters;
}

}  // namespace pirouette::ctl
