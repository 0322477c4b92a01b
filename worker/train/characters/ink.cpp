// See ink.h. Lines are grown by one sample a pass, alternating between four and eight neighbours,
// which makes octagons; a pass is byte arithmetic over whole rows.

#include "worker/train/characters/ink.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace pirouette::characters {
namespace {

// What lies between two neighbours that are not the same solid at about the same depth.
std::uint8_t line_between(std::int32_t a, std::int32_t b, float step,
                          const std::vector<int>& groups, float fold) {
  if (a < 0 && b < 0) return kNoInk;
  if (a < 0 || b < 0) return kOuterLine;
  const bool differ = groups[static_cast<std::size_t>(a)] != groups[static_cast<std::size_t>(b)];
  return differ || step > fold ? kInnerLine : kNoInk;
}

// Where a sample and the one `ahead` of it are not the same surface.
void find_steps(const std::int32_t* __restrict seen, const float* __restrict depth, int count,
                int ahead, float fold, std::uint8_t* __restrict steps) {
  for (int i = 0; i < count; ++i) {
    const int differs = seen[i] != seen[i + ahead] ? 1 : 0;
    const int folds = std::abs(depth[i] - depth[i + ahead]) > fold ? 1 : 0;
    steps[i] = static_cast<std::uint8_t>(differs | folds);
  }
}

void mark_row(const Samples& samples, int row, int ahead, int count, const std::vector<int>& groups,
              float fold, std::vector<std::uint8_t>& steps, std::uint8_t* out) {
  const std::size_t start = samples.at(0, samples.first_row + row);
  const std::int32_t* seen = &samples.seen[start];
  const float* depth = &samples.depth[start];
  find_steps(seen, depth, count, ahead, fold, steps.data());
  for (int i = 0; i < count;) {
    std::uint64_t eight = 0;
    if (i + 8 <= count) std::memcpy(&eight, &steps[static_cast<std::size_t>(i)], 8);
    if (i + 8 <= count && eight == 0) {
      i += 8;
      continue;
    }
    for (const int end = std::min(count, i + 8); i < end; ++i) {
      if (steps[static_cast<std::size_t>(i)] == 0) continue;
      const float step = std::abs(depth[i] - depth[i + ahead]);
      const std::uint8_t line = line_between(seen[i], seen[i + ahead], step, groups, fold);
      out[i] |= line;
      out[i + ahead] |= line;
    }
  }
}

// One pass over a row: a sample takes what its neighbours have, if it is of the kept kinds.
void grow_row(const std::uint8_t* __restrict above, const std::uint8_t* __restrict middle,
              const std::uint8_t* __restrict below, int columns, std::uint8_t corners,
              std::uint8_t kept, std::uint8_t* __restrict out) {
  for (int x = 1; x + 1 < columns; ++x) {
    const int beside = above[x] | middle[x - 1] | middle[x + 1] | below[x];
    const int diagonal = above[x - 1] | above[x + 1] | below[x - 1] | below[x + 1];
    out[x] = static_cast<std::uint8_t>(middle[x] | ((beside | (diagonal & corners)) & kept));
  }
}

void grow(std::vector<std::uint8_t>& bytes, std::vector<std::uint8_t>& from, int columns, int rows,
          bool diagonal, std::uint8_t kept) {
  bytes.swap(from);
  const auto width = static_cast<std::size_t>(columns), height = static_cast<std::size_t>(rows);
  bytes.assign(from.begin(), from.end());
  const std::uint8_t corners = diagonal ? 0xFF : 0;
  for (std::size_t y = 1; y + 1 < height; ++y) {
    const std::uint8_t* middle = &from[y * width];
    grow_row(middle - width, middle, middle + width, columns, corners, kept, &bytes[y * width]);
  }
}

}  // namespace

void ink(const Samples& samples, const std::vector<int>& groups, const Lines& lines,
         InkedRows& rows) {
  const int columns = samples.columns;
  rows.lines.assign(samples.seen.size(), kNoInk);
  rows.steps.resize(static_cast<std::size_t>(columns));
  for (int row = 0; row < samples.rows; ++row) {
    std::uint8_t* marks = &rows.lines[samples.at(0, samples.first_row + row)];
    mark_row(samples, row, 1, columns - 1, groups, lines.fold, rows.steps, marks);
    if (row + 1 == samples.rows) break;
    mark_row(samples, row, columns, columns, groups, lines.fold, rows.steps, marks);
  }
  for (int pass = 1; pass < lines.outer_radius; ++pass) {
    const bool both = pass < lines.inner_radius;
    grow(rows.lines, rows.before, columns, samples.rows, pass % 2 == 0,
         both ? kInnerLine | kOuterLine : kOuterLine);
  }
}

}  // namespace pirouette::characters
