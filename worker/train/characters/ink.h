#pragma once
// The drawn line: where two samples side by side belong to different groups, or one lies well
// behind the other, there is ink; around the whole figure a broader line, inside a finer one.

#include <cstdint>
#include <vector>

#include "worker/train/characters/samples.h"

namespace pirouette::characters {

enum : std::uint8_t { kNoInk = 0, kInnerLine = 1, kOuterLine = 2 };

struct Lines {
  int outer_radius = 3, inner_radius = 2;  // in samples
  float fold = 0.03F;  // a step in depth, in units of the body, that is drawn as a line
};

struct InkedRows {
  std::vector<std::uint8_t> lines;          // a byte a sample
  std::vector<std::uint8_t> before, steps;  // while they are made
};

// groups: of each solid.
void ink(const Samples& samples, const std::vector<int>& groups, const Lines& lines,
         InkedRows& rows);

}  // namespace pirouette::characters
