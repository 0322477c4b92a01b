#include "coordinator/ctl/characters.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "common/files.h"
#include "common/job/names.h"
#include "common/job/recipe.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kPictureEndings{".png", ".jpg", ".jpeg", ".webp"};

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

Result<std::string> read_name(const fs::path& picture) {
  std::string name = picture.stem().string();
  const std::string fault = is_utf8(name) ? find_fault(name) : "must be UTF-8";
  if (fault.empty()) return name;
  return Error{Errc::invalid, printable(picture.filename().string()) +
                                  ": the file's name is the character's, which " + fault +
                                  "; rename the file"};
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
    Character character{TRY(read_name(picture)), picture, {}};
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
