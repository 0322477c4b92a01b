#include "worker/flux/storage/formats.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

namespace pirouette::flux {
namespace {

std::string row_of(const Format& format) {
  return "| " + format.what + " | " + format.told_by + " | " + format.answer + " |";
}

std::multiset<std::string> rows_in_code() {
  std::multiset<std::string> rows;
  for (const auto& formats : {layout_formats(), dtype_formats(), refused_formats()})
    for (const Format& format : formats) rows.insert(row_of(format));
  return rows;
}

// Every row of the page's tables of three columns, but their heads.
std::multiset<std::string> rows_on_page() {
  std::ifstream page(PIROUETTE_SOURCE_DIR "/docs/formats.md");
  std::multiset<std::string> rows;
  std::string before;
  for (std::string line; std::getline(page, line); before = line) {
    if (!line.starts_with("| ")) continue;
    if (line.starts_with("| ---"))
      rows.erase(rows.find(before));
    else
      rows.insert(line);
  }
  return rows;
}

TEST(Formats, ThePageListsWhatTheCodeTakesAndRefuses) {
  const auto page = rows_on_page(), code = rows_in_code();
  for (const std::string& row : code)
    EXPECT_TRUE(page.contains(row)) << "docs/formats.md lacks\n" << row;
  for (const std::string& row : page)
    EXPECT_TRUE(code.contains(row)) << "docs/formats.md has, and the code does not,\n" << row;
  EXPECT_EQ(page.size(), code.size());
}

}  // namespace
}  // namespace pirouette::flux
