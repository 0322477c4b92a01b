// See csv.h. One pass, character by character; a broken cell is skipped up to the next delimiter.

#include "coordinator/ctl/csv.h"

#include <algorithm>
#include <array>

#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";

// Outside of quotes, on the first line that has any text.
char find_delimiter(std::string_view text) {
  constexpr std::array<char, 3> kDelimiters{',', ';', '\t'};
  std::array<std::size_t, 3> counts{};
  bool quoted = false, any = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if ((c == '\n' || c == '\r') && any) break;
    any = any || (c != '\n' && c != '\r' && c != ' ');
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += c == kDelimiters[i] ? 1 : 0;
  }
  const auto most = std::ranges::max_element(counts) - counts.begin();
  return kDelimiters[static_cast<std::size_t>(most)];
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text), delimiter_(find_delimiter(text)) {}

  CsvTable read() {
    while (at_ < text_.size()) read_row();
    return std::move(table_);
  }

 private:
  bool at_end_of_cell() const {
    return at_ == text_.size() || text_[at_] == delimiter_ || text_[at_] == '\n' ||
           text_[at_] == '\r';
  }
  bool is_blank(char c) const { return (c == ' ' || c == '\t') && c != delimiter_; }

  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  void skip_line_end() {
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') ++at_;
    ++line_;
  }

  void read_row() {
    std::vector<CsvCell> cells;
    const std::size_t faults_before = table_.faults.size();
    while (true) {
      cells.push_back(read_cell(cells.size() + 1));
      if (at_ == text_.size() || text_[at_] != delimiter_) break;
      ++at_;
    }
    if (at_ < text_.size()) skip_line_end();
    const bool empty =
        std::ranges::all_of(cells, [](const auto& cell) { return cell.text.empty(); });
    if (!empty && table_.faults.size() == faults_before) table_.rows.push_back(std::move(cells));
  }

  CsvCell read_cell(std::size_t column) {
    CsvCell cell{{}, line_};
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '"') {
      read_quoted(cell, column);
    } else {
      read_plain(cell, column);
    }
    cell.text = trim(cell.text);
    return cell;
  }

  void read_plain(CsvCell& cell, std::size_t column) {
    bool quote = false;
    for (; !at_end_of_cell(); ++at_) {
      quote = quote || text_[at_] == '"';
      cell.text += text_[at_];
    }
    if (!quote) return;
    fault(cell, column,
          "a quote stands inside a cell that does not begin with one; put the whole "
          "cell in quotes and write each quote in it twice");
  }

  void read_quoted(CsvCell& cell, std::size_t column) {
    ++at_;
    while (true) {
      if (at_ == text_.size()) {
        return fault(cell, column, "the quote that opens this cell is never closed");
      }
      const char c = text_[at_];
      if (c == '"' && text_.substr(at_ + 1, 1) != "\"") break;
      if (c == '"') ++at_;  // doubled
      cell.text += c;
      if (c == '\n' || (c == '\r' && text_.substr(at_ + 1, 1) != "\n")) ++line_;
      ++at_;
    }
    ++at_;
    skip_blanks();
    if (at_end_of_cell()) return;
    fault(cell, column,
          "text stands behind the quote that closes this cell; write a quote that "
          "belongs to the text twice");
    while (!at_end_of_cell()) ++at_;
  }

  void fault(const CsvCell& cell, std::size_t column, std::string what) {
    table_.faults.push_back({cell.line, column, std::move(what)});
  }

  std::string_view text_;
  char delimiter_;
  std::size_t at_ = 0, line_ = 1;
  CsvTable table_;
};

}  // namespace

CsvTable parse_csv(std::string_view text) {
  if (text.starts_with(kUtf8Mark)) text.remove_prefix(kUtf8Mark.size());
  return Reader(text).read();
}

}  // namespace pirouette::ctl
