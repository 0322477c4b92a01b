#pragma once
// Where everything stands on a sheet, as numbers: a title, and a grid of cells with a label below
// each. All figures get one common scale, measured from their bodies' median height, so a view that
// came out too tall stays too tall (and is flagged) instead of being hidden. Feet stand on one
// line, bodies in the middle of their cells. Pure.

#include <optional>
#include <string>
#include <vector>

#include "coordinator/assembly/figure.h"

namespace pirouette::assembly {

// A view as it came: nothing for a pose that failed for good.
struct ViewPicture {
  int width = 0, height = 0;
  std::optional<Figure> figure;
};

struct Cell {
  enum class Content { figure, whole, gap };
  Box box;    // on the sheet
  Box label;  // on the sheet
  Content content = Content::gap;
  double scale = 1;  // of the picture
  int left = 0;      // of the scaled picture's corner in the cell; may be negative
  int top = 0;
};

// The medians of a sheet's figures, in pixels of their pictures; 0 without a figure.
struct Heights {
  double body = 0, full = 0;
};

struct Layout {
  int width = 0, height = 0;
  Box title;
  std::vector<Cell> cells;  // one a view, in order
  Heights medians;
  // Rows in each cell, from the foot line up to the top of the median head; none without a figure.
  std::vector<int> guides;
};

inline constexpr double kFootLine = 0.92;   // of the cell's height, as game and film plates have it
inline constexpr double kBodyShare = 0.84;  // of the cell's height for the median body
inline constexpr double kHeightTolerance = 0.03;  // beyond: flagged
// Beyond this it is not the same figure any more: shown whole, and not allowed to shrink the rest.
inline constexpr double kHeightWild = 0.25;
// Guide lines divide the median body into eight: one head apart on a figure of the usual canon. How
// large this character's head is, nobody measures.
inline constexpr int kGuideParts = 8;
inline constexpr int kColumnsMax = 8;  // game8 in one row
// Cells for 832x1248 pictures: six make a sheet of 3840x1200.
inline constexpr int kCellWidthPx = 640;
inline constexpr double kCellShare = kCellWidthPx / 832.0;
inline constexpr int kCellWidthMaxPx = 2 * kCellWidthPx;  // for masters at twice the size
inline constexpr double kScaleMax = 1.5;                  // enlarged further, pictures go soft

Layout lay_out(const std::vector<std::optional<ViewPicture>>& views);

// How far a figure's height is from the medians, as a share: 0.05 is 5 % taller. Of the body's and
// the full height the one that is nearer: seen level, the top of a staff or a hat stands as high in
// every true view, however much of it crosses the body's core; and where a view lacks the staff,
// the body still says how large the figure is. Only a figure of another size has both wrong.
double height_deviation(const Figure& figure, const Heights& medians);

}  // namespace pirouette::assembly
