// A CSV as characters, a row each. Columns: character, reference, notes, pose_set, seed, priority;
// any of them, in any order. Every cell that is wrong is said with its line and column.

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include "common/job/names.h"
#include "common/job/sheet_views.h"
#include "coordinator/ctl/csv.h"
#include "coordinator/ctl/format.h"
#include "coordinator/ctl/pictures.h"
#include "coordinator/ctl/submission.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;

enum Column : std::size_t { kCharacter, kReference, kNotes, kPoseSet, kSeed, kPriority, kColumns };
constexpr std::array<std::string_view, kColumns> kColumnNames{"character", "reference", "notes",
                                                              "pose_set",  "seed",      "priority"};

std::string known_columns() {
  std::string names;
  for (const std::string_view name : kColumnNames) {
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return names;
}

std::optional<std::uint64_t> whole_number(std::string_view text, std::uint64_t most) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number > most) return std::nullopt;
  return number;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (std::string_view(" \t\r\n,;+|/").find(c) == std::string_view::npos) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

using Row = std::vector<CsvCell>;

class Manifest {
 public:
  Manifest(const fs::path& file, const Recipe& recipe, Problems& problems)
      : file_(file), recipe_(recipe), problems_(problems) {
    const auto beside = list_pictures(folder());
    if (!beside.ok()) return;
    for (const fs::path& picture : beside.value())
      beside_[picture.stem().string()].push_back(picture);
  }

  std::vector<Entry> read(std::string_view text) {
    const CsvTable table = parse_csv(text);
    for (const CsvFault& fault : table.faults) {
      problems_.add(place(fault.line, fault.column, header_name(table, fault)), fault.what);
    }
    if (table.rows.empty()) {
      if (table.faults.empty()) {
        problems_.add(name(), "it is empty; its first line names the columns: " + known_columns());
      }
      return {};
    }
    if (!read_header(table.rows.front())) return {};
    std::vector<Entry> entries;
    for (std::size_t i = 1; i < table.rows.size(); ++i) read_row(table.rows[i], entries);
    if (entries.empty() && problems_.none()) {
      problems_.add(name(), "it has a header and no rows; add a row for each character");
    }
    return entries;
  }

 private:
  std::string name() const { return file_.filename().string(); }
  fs::path folder() const { return file_.has_parent_path() ? file_.parent_path() : fs::path("."); }

  std::string place(std::size_t line, std::size_t column, std::string_view column_name) const {
    return name() + ":" + std::to_string(line) + ":" + std::to_string(column) +
           (column_name.empty() ? "" : "(" + std::string(column_name) + ")");
  }

  static std::string header_name(const CsvTable& table, const CsvFault& fault) {
    if (table.rows.empty() || fault.column > table.rows.front().size()) return "";
    return table.rows.front()[fault.column - 1].text;
  }

  // False where rows cannot be read by it.
  bool read_header(const Row& header) {
    bool good = true;
    width_ = header.size();
    for (std::size_t at = 0; at < header.size(); ++at) {
      std::string wanted = lower_case(header[at].text);
      std::ranges::replace_if(
          wanted, [](char c) { return c == ' ' || c == '-'; }, '_');
      const auto found = std::ranges::find(kColumnNames, wanted);
      const std::string where = place(header[at].line, at + 1, "");
      if (found == kColumnNames.end()) {
        const std::string shown = is_utf8(header[at].text) ? header[at].text : "?";
        problems_.add(where, header[at].text.empty()
                                 ? "this column has no name; the columns are " + known_columns()
                                 : "there is no column \"" + shown + "\"; the columns are " +
                                       known_columns());
        good = false;
        continue;
      }
      auto& column = columns_[static_cast<std::size_t>(found - kColumnNames.begin())];
      if (column) {
        problems_.add(where, "the column " + wanted + " is there twice; take one out");
        good = false;
      }
      column = at;
    }
    if (good && !columns_[kCharacter] && !columns_[kReference]) {
      problems_.add(name(),
                    "it has neither a column character nor a column reference; one of them "
                    "at least says whom to render");
      good = false;
    }
    return good;
  }

  const std::string& text(const Row& row, Column column) const {
    static const std::string nothing;
    return columns_[column] ? row[*columns_[column]].text : nothing;
  }

  std::string place(const Row& row, Column column) const {
    const std::size_t at = columns_[column].value_or(0);
    return place(row[at].line, at + 1, columns_[column] ? kColumnNames[column] : "");
  }

  void complain(const Row& row, Column column, const std::string& what) {
    problems_.add(place(row, column), what);
  }

  void read_row(const Row& row, std::vector<Entry>& entries) {
    if (row.size() != width_) {
      return problems_.add(name() + ":" + std::to_string(row.front().line),
                           "the row has " + count_of(row.size(), "cell") + " and the header " +
                               std::to_string(width_) +
                               "; give each column one, and put text with the delimiter in it in "
                               "quotes");
    }
    for (std::size_t at = 0; at < row.size(); ++at) {
      if (is_utf8(row[at].text)) continue;
      return problems_.add(place(row[at].line, at + 1, ""),
                           "this is not UTF-8 text; save the file as CSV UTF-8");
    }
    Entry entry;
    read_who(row, entry);
    read_notes(row, entry);
    read_views(row, entry);
    read_numbers(row, entry);
    entries.push_back(std::move(entry));
  }

  void read_who(const Row& row, Entry& entry) {
    entry.sheet.character = text(row, kCharacter);
    const std::string& reference = text(row, kReference);
    const auto digest = parse_digest(reference);
    if (digest.ok()) {
      entry.sheet.reference = digest.value();
      entry.picture.place = place(row, kReference);
    } else if (!reference.empty()) {
      find_file(row, reference, entry);
    }
    Column named_by = kCharacter;
    if (entry.sheet.character.empty() && !entry.picture.file.empty()) {
      entry.sheet.character = entry.picture.file.stem().string();
      named_by = kReference;
    }
    if (entry.sheet.character.empty()) {
      // Where the file is not there, its name is still the character's, and that was said.
      if (reference.empty() || digest.ok()) {
        complain(row, columns_[kCharacter] ? kCharacter : kReference,
                 "the row names no character; give it a name or a reference's file");
      }
      return;
    }
    check_name(row, named_by, entry.sheet.character);
    if (reference.empty()) find_beside(row, entry);
  }

  void check_name(const Row& row, Column column, const std::string& character) {
    std::string fault = find_fault(character);
    if (character.size() > kNameMaxBytes) {
      fault = "must be at most " + std::to_string(kNameMaxBytes) + " bytes long";
    }
    if (!fault.empty()) {
      complain(row, column,
               "a character's name " + fault + ", as \"" + character + "\" does: it names files");
    }
    const auto [other, is_new] = taken_.emplace(lower_case(character), row.front().line);
    if (is_new) return;
    complain(row, column,
             "\"" + character + "\" is on line " + std::to_string(other->second) +
                 " already; each character needs its own name, whatever its case");
  }

  void find_file(const Row& row, const std::string& reference, Entry& entry) {
    const fs::path file = folder() / fs::path(reference);  // a whole path stays itself
    std::error_code failed;
    entry.picture = {file, place(row, kReference)};
    if (fs::exists(file, failed)) return;
    entry.picture.file.clear();
    if (entry.sheet.character.empty()) check_name(row, kReference, file.stem().string());
    complain(row, kReference,
             "there is no file " + file.string() + "; paths count from the folder of " + name());
  }

  void find_beside(const Row& row, Entry& entry) {
    const auto found = beside_.find(entry.sheet.character);
    const Column column = columns_[kReference] ? kReference : kCharacter;
    entry.picture.place = place(row, column);
    if (found == beside_.end()) {
      return complain(row, column,
                      "there is no picture " + entry.sheet.character + " (" + picture_endings() +
                          ") beside " + name() +
                          "; put it there, or name it in the column reference");
    }
    if (found->second.size() > 1) {
      return complain(row, column,
                      "both " + found->second[0].filename().string() + " and " +
                          found->second[1].filename().string() +
                          " are there; name one in the column reference");
    }
    entry.picture.file = found->second.front();
  }

  void read_notes(const Row& row, Entry& entry) {
    entry.sheet.notes = text(row, kNotes);
    if (entry.sheet.notes.size() > kPromptMaxBytes) {
      complain(row, kNotes,
               "the notes have " + std::to_string(entry.sheet.notes.size()) + " bytes; at most " +
                   std::to_string(kPromptMaxBytes) + " are accepted");
    }
    if (has_control_characters(entry.sheet.notes)) {
      complain(row, kNotes, "the notes have control characters in them; take them out");
    }
  }

  void read_views(const Row& row, Entry& entry) {
    const std::string& wanted = text(row, kPoseSet);
    if (wanted.empty()) return;
    const std::vector<std::string> words = words_of(wanted);
    const bool is_set = words.size() == 1 && (words[0] == recipe_.pose_set ||
                                              std::ranges::count(pose_set_names(), words[0]) > 0);
    auto views = is_set ? find_pose_set(recipe_, words[0]) : find_views(recipe_, words);
    if (views.ok()) {
      entry.views = std::move(views).value();
    } else {
      const bool may_be_set = !is_set && words.size() == 1;
      const std::string sets = may_be_set ? "; pose sets are " + listed(pose_set_names()) : "";
      complain(row, kPoseSet, views.error().what + sets);
    }
  }

  static std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& one : names) text += (text.empty() ? "" : ", ") + one;
    return text;
  }

  void read_numbers(const Row& row, Entry& entry) {
    if (const std::string& seed = text(row, kSeed); !seed.empty()) {
      entry.sheet.seed = whole_number(seed, INT64_MAX);
      if (!entry.sheet.seed) {
        complain(row, kSeed,
                 "a seed is a whole number from 0 to 9223372036854775807, not \"" + seed + "\"");
      }
    }
    if (const std::string& priority = text(row, kPriority); !priority.empty()) {
      const auto number = whole_number(priority, 100);
      if (number) {
        entry.sheet.priority = static_cast<int>(*number);
      } else {
        complain(
            row, kPriority,
            "a priority is a whole number from 0 (last) to 100 (first), not \"" + priority + "\"");
      }
    }
  }

  const fs::path file_;
  const Recipe& recipe_;
  Problems& problems_;
  std::map<std::string, std::vector<fs::path>> beside_;  // pictures by stem
  std::array<std::optional<std::size_t>, kColumns> columns_{};
  std::size_t width_ = 0;
  std::map<std::string, std::size_t> taken_;  // characters in lower case, and their lines
};

}  // namespace

std::vector<Entry> read_manifest(const fs::path& file, std::string_view text, const Recipe& recipe,
                                 Problems& problems) {
  return Manifest(file, recipe, problems).read(text);
}

}  // namespace pirouette::ctl
