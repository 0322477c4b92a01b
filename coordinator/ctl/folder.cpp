// A folder of reference pictures as characters: one picture each, its file's stem is the name, and
// NAME.txt beside it holds notes about the character's looks.

#include <map>

#include "common/files.h"
#include "common/job/names.h"
#include "coordinator/ctl/format.h"
#include "coordinator/ctl/pictures.h"
#include "coordinator/ctl/submission.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;

Result<std::string> read_notes(const fs::path& file) {
  std::error_code failed;
  if (!fs::is_regular_file(file, failed)) return std::string();
  const auto bytes = read_file(file, kPromptMaxBytes);
  if (!bytes.ok()) {
    return Error{Errc::invalid, "cannot be read as notes (" + bytes.error().what + "); at most " +
                                    std::to_string(kPromptMaxBytes) + " bytes are accepted"};
  }
  std::string notes =
      trim({reinterpret_cast<const char*>(bytes.value().data()), bytes.value().size()});
  if (!is_utf8(notes)) return Error{Errc::invalid, "is not UTF-8 text; save it as UTF-8"};
  if (has_control_characters(notes)) {
    return Error{Errc::invalid, "has control characters in it; save it as plain text"};
  }
  return notes;
}

std::string find_name_fault(const std::string& name) {
  if (!is_utf8(name)) return "must be UTF-8";
  if (name.size() > kNameMaxBytes) {
    return "must be at most " + std::to_string(kNameMaxBytes) + " bytes long";
  }
  return find_fault(name);
}

}  // namespace

std::vector<Entry> read_folder(const fs::path& folder, Problems& problems) {
  const auto pictures = list_pictures(folder);
  if (!pictures.ok() || pictures.value().empty()) {
    problems.add("the folder " + folder.string(),
                 pictures.ok() ? "it is empty of pictures; put one reference picture per character "
                                 "in it (" +
                                     picture_endings() + ")"
                               : pictures.error().what);
    return {};
  }
  std::vector<Entry> entries;
  std::map<std::string, std::string> taken;  // by name in lower case: some file systems fold it
  for (const fs::path& picture : pictures.value()) {
    Entry entry;
    entry.sheet.character = picture.stem().string();
    entry.picture = {picture, picture.filename().string()};
    const std::string& place = entry.picture.place;
    if (const std::string fault = find_name_fault(entry.sheet.character); !fault.empty()) {
      problems.add(place,
                   "the file's name is the character's, which " + fault + "; rename the file");
    }
    const auto [other, is_new] = taken.emplace(lower_case(entry.sheet.character), place);
    if (!is_new) {
      problems.add(place, "would be the same character as " + other->second + "; rename one");
    }
    fs::path beside = picture;
    auto notes = read_notes(beside.replace_extension(".txt"));
    if (notes.ok()) {
      entry.sheet.notes = std::move(notes).value();
    } else {
      problems.add(beside.filename().string(), notes.error().what);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace pirouette::ctl
