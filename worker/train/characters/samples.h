#pragma once
// The visible solid at every sample of a few rows: a depth buffer into which solids are drawn row
// by row. Orthographic: a ray runs along the view's depth axis, and where it meets a solid is the
// root of a quadratic whose coefficients are polynomials of the column, so the inner loops are
// straight-line arithmetic that the compiler makes vectors of.

#include <cstdint>
#include <vector>

#include "worker/train/characters/body.h"

namespace pirouette::characters {

// A solid turned into a view. l = across * (x - x0) + up * (y - y0) + away * (depth - depth0), all
// in units of the body; depth grows towards the viewer.
struct Posed {
  const Solid* solid = nullptr;
  double x0 = 0, y0 = 0, depth0 = 0;
  Vec3 across, up, away;
  double left = 0, right = 0, bottom = 0, top = 0;  // its bounds in the view
};

Posed pose(const Solid& solid, double azimuth_deg);

// Sample (column, row) lies at x = (column + 0.5 - centre) / per_unit and
// y = (foot - row - 0.5) / per_unit; rows count from the top of the picture.
struct Grid {
  double per_unit = 1, centre = 0, foot = 0;
  double x_of(double column) const { return (column + 0.5 - centre) / per_unit; }
  double y_of(double row) const { return (foot - row - 0.5) / per_unit; }
};

inline constexpr float kFar = -1e9F;

struct Samples {
  int first_row = 0, rows = 0, columns = 0;
  std::vector<float> depth;        // kFar where there is nothing
  std::vector<std::int32_t> seen;  // index of the solid, or -1

  void clear(int first, int count, int width);
  std::size_t at(int column, int row) const {
    return static_cast<std::size_t>(row - first_row) * static_cast<std::size_t>(columns) +
           static_cast<std::size_t>(column);
  }
};

void draw(const Posed& posed, std::int32_t index, const Grid& grid, Samples& samples);

}  // namespace pirouette::characters
