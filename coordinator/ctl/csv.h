#pragma once
// Comma-separated values by RFC 4180, as spreadsheets write them: quoted cells may hold delimiters,
// line ends and doubled quotes; lines end in LF, CRLF or CR; a UTF-8 mark in front is skipped; the
// delimiter is whichever of , ; and tab the first line has most of. Nothing stops at the first
// mistake. Pure.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace pirouette::ctl {

struct CsvCell {
  std::string text;      // without white space around it
  std::size_t line = 1;  // where it begins
};

struct CsvFault {
  std::size_t line = 1, column = 1;  // column: which cell of the row, from 1
  std::string what;
};

struct CsvTable {
  std::vector<std::vector<CsvCell>> rows;  // the header first; rows without any text are left out
  std::vector<CsvFault> faults;            // cells whose quotes are wrong; their rows are left out
};

CsvTable parse_csv(std::string_view text);

}  // namespace pirouette::ctl
