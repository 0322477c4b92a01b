#pragma once
// What this engine takes and what it refuses, as docs/formats.md lists it. A test holds the page to
// this list.

#include <string>
#include <vector>

namespace pirouette::flux {

struct Format {
  std::string what;
  std::string told_by;
  std::string answer;  // how it is taken, or the sentence it is refused with
};

std::vector<Format> layout_formats();
std::vector<Format> dtype_formats();
std::vector<Format> refused_formats();  // of refusals.h, and what is refused by other means

}  // namespace pirouette::flux
