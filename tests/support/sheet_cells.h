#pragma once
// The views out of a finished sheet again: what each cell shows, at the size of the picture that it
// was made of. The pictures are needed for where they stand only; all pixels are the sheet's, its
// guide lines included. Whoever uses it links pirouette_assembly.

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "coordinator/assembly/layout.h"

namespace pirouette::testing {

// Between its four neighbours; what is not in the cell is white.
inline double sample(const Image& sheet, const assembly::Box& cell, double x, double y, int c) {
  const auto at = [&](int column, int row) -> double {
    if (column < 0 || row < 0 || column >= cell.width || row >= cell.height) return 255;
    return sheet.pixels[static_cast<std::size_t>(
        ((cell.top + row) * sheet.width + cell.left + column) * 3 + c)];
  };
  const int left = static_cast<int>(std::floor(x)), top = static_cast<int>(std::floor(y));
  const double right = x - left, below = y - top;
  return (1 - below) * ((1 - right) * at(left, top) + right * at(left + 1, top)) +
         below * ((1 - right) * at(left, top + 1) + right * at(left + 1, top + 1));
}

// views: what was put together, in the sheet's order.
inline std::vector<Image> cut_cells(const Image& sheet, const std::vector<Image>& views) {
  std::vector<std::optional<assembly::ViewPicture>> pictures;
  for (const Image& view : views)
    pictures.push_back(assembly::ViewPicture{view.width, view.height, assembly::find_figure(view)});
  const assembly::Layout layout = assembly::lay_out(pictures);
  PIROUETTE_CHECK(layout.width == sheet.width && layout.height == sheet.height);
  std::vector<Image> cut;
  for (std::size_t i = 0; i < views.size(); ++i) {
    const assembly::Cell& cell = layout.cells[i];
    Image image{views[i].width, views[i].height, 3, {}};
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        const double column = cell.left + cell.scale * (x + 0.5) - 0.5;
        const double row = cell.top + cell.scale * (y + 0.5) - 0.5;
        for (int c = 0; c < 3; ++c)
          image.pixels.push_back(
              static_cast<std::uint8_t>(std::lround(sample(sheet, cell.box, column, row, c))));
      }
    }
    cut.push_back(std::move(image));
  }
  return cut;
}

}  // namespace pirouette::testing
