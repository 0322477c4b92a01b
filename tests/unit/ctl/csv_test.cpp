// RFC 4180 as spreadsheets write it, and what is said of what they do not.

#include "coordinator/ctl/csv.h"

#include <gtest/gtest.h>

namespace pirouette::ctl {
namespace {

using Rows = std::vector<std::vector<std::string>>;

Rows rows_of(std::string_view text) {
  const CsvTable table = parse_csv(text);
  EXPECT_TRUE(table.faults.empty()) << text << ": " << table.faults.front().what;
  Rows rows;
  for (const auto& row : table.rows) {
    rows.emplace_back();
    for (const CsvCell& cell : row) rows.back().push_back(cell.text);
  }
  return rows;
}

TEST(Csv, QuotedCellsHoldAnything) {
  EXPECT_EQ(rows_of("a,b\n\"x, y\",\"say \"\"hi\"\"\nthere\"\n"),
            (Rows{{"a", "b"}, {"x, y", "say \"hi\"\nthere"}}));
  EXPECT_EQ(rows_of("a,b\n\"\",\n \"x\" , y \n"), (Rows{{"a", "b"}, {"x", "y"}}));
}

TEST(Csv, AnyLineEndAndNoneAtTheEnd) {
  const Rows rows{{"a", "b"}, {"1", "2"}, {"3", "4"}};
  for (const char* text : {"a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4", "a,b\r1,2\r3,4\r",
                           "\xef\xbb\xbf"
                           "a,b\n\n1,2\n,\n3,4\n\n"}) {
    EXPECT_EQ(rows_of(text), rows) << text;
  }
}

TEST(Csv, TheDelimiterIsTheHeaders) {
  EXPECT_EQ(rows_of("a;b\n1,5;2\n"), (Rows{{"a", "b"}, {"1,5", "2"}}));
  EXPECT_EQ(rows_of("a\tb\n1;5\t2\n"), (Rows{{"a", "b"}, {"1;5", "2"}}));
  EXPECT_EQ(rows_of("\"a;;;\",b\n1,2\n"), (Rows{{"a;;;", "b"}, {"1", "2"}}));
  EXPECT_EQ(rows_of("a\n1\n"), (Rows{{"a"}, {"1"}}));
  EXPECT_EQ(rows_of("a\tb\n\t2\n"), (Rows{{"a", "b"}, {"", "2"}}));
}

TEST(Csv, CellsKnowTheirLines) {
  const CsvTable table = parse_csv("a,b\r\n\"1\r\n2\r\n\",x\r\ny,z\r\n");
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.rows[1][0].line, 2u);
  EXPECT_EQ(table.rows[1][1].line, 4u);
  EXPECT_EQ(table.rows[2][0].line, 5u);
}

TEST(Csv, WrongQuotesAreSaidAndTheOtherRowsRead) {
  const CsvTable table = parse_csv("a,b\n1,5\" tall\n\"x\"y,2\nfine,\"too\"\nlast,\"open\nand on");
  ASSERT_EQ(table.faults.size(), 3u);
  EXPECT_EQ(table.faults[0].line, 2u);
  EXPECT_EQ(table.faults[0].column, 2u);
  EXPECT_NE(table.faults[0].what.find("a quote stands inside"), std::string::npos);
  EXPECT_EQ(table.faults[1].line, 3u);
  EXPECT_EQ(table.faults[1].column, 1u);
  EXPECT_NE(table.faults[1].what.find("text stands behind"), std::string::npos);
  EXPECT_EQ(table.faults[2].line, 5u) << "where it opens";
  EXPECT_NE(table.faults[2].what.find("never closed"), std::string::npos);
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[1][0].text, "fine");
}

TEST(Csv, NothingIsNoRows) {
  for (const char* text : {"", "\n\n", "\xef\xbb\xbf", " \r\n,,\r\n"}) {
    EXPECT_TRUE(parse_csv(text).rows.empty());
  }
}

}  // namespace
}  // namespace pirouette::ctl
