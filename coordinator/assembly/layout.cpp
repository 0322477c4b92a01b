// See layout.h.

#include "coordinator/assembly/layout.h"

#include <algorithm>
#include <cmath>

namespace pirouette::assembly {
namespace {

constexpr double kMargin = 0.02;      // of the cell, kept free around figures
constexpr double kTitleShare = 0.14;  // of the cell's height; with the label's share a quarter
constexpr double kLabelShare = 0.11;
constexpr int kTitleMinPx = 44;  // small renders keep legible words
constexpr int kLabelMinPx = 40;

int rounded(double value) { return static_cast<int>(std::lround(value)); }

struct Size {
  int width, height;
};

// Of the first picture there is: all views of a sheet are rendered in one size.
Size cell_size(const std::vector<std::optional<ViewPicture>>& views) {
  const auto first = std::find_if(views.begin(), views.end(), [](const auto& v) { return !!v; });
  if (first == views.end()) return {kCellWidthPx, rounded(kCellWidthPx * 1.5)};
  const double width = (*first)->width;
  // Small renders are shown as they are; the usual ones at kCellShare; huge ones in the largest
  // cell.
  double share = std::min(kCellShare, kCellWidthMaxPx / width);
  share = std::max(share, std::min(1.0, kCellWidthPx / width));
  return {std::max(1, rounded(width * share)), std::max(1, rounded((*first)->height * share))};
}

double median(std::vector<int> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2.0;
}

Heights median_heights(const std::vector<std::optional<ViewPicture>>& views) {
  std::vector<int> body, full;
  for (const auto& view : views) {
    if (!view || !view->figure) continue;
    body.push_back(view->figure->body_height());
    full.push_back(view->figure->full_height());
  }
  return {median(std::move(body)), median(std::move(full))};
}

bool stands_with_the_others(const ViewPicture& view, const Heights& medians) {
  return view.figure && std::abs(height_deviation(*view.figure, medians)) <= kHeightWild;
}

// The largest scale at which the median body has its height and every figure is inside its cell.
double common_scale(const std::vector<std::optional<ViewPicture>>& views, const Heights& medians,
                    Size cell) {
  if (medians.body <= 0) return 1;
  double scale = std::min(kScaleMax, kBodyShare * cell.height / medians.body);
  const auto fit = [&scale](double room, int need) {
    if (need > 0) scale = std::min(scale, room / need);
  };
  for (const auto& view : views) {
    if (!view || !stands_with_the_others(*view, medians)) continue;
    const Figure& figure = *view->figure;
    const double half = (0.5 - kMargin) * cell.width;
    fit(half, figure.centre_column - figure.box.left);
    fit(half, figure.box.right() - figure.centre_column);
    fit((kFootLine - kMargin) * cell.height, figure.foot_row + 1 - figure.box.top);
    fit((1 - kFootLine) * cell.height, figure.box.bottom() - figure.foot_row - 1);
  }
  return scale;
}

std::vector<int> guide_rows(double body_px, int cell_height) {
  std::vector<int> rows;
  for (int part = 0; part <= kGuideParts && body_px > 0; ++part) {
    const int row = rounded(kFootLine * cell_height - body_px * part / kGuideParts);
    if (row >= 0) rows.push_back(row);
  }
  return rows;
}

void place_figure(const Figure& figure, double scale, Cell& cell) {
  cell.content = Cell::Content::figure;
  cell.scale = scale;
  cell.left = rounded(0.5 * cell.box.width - scale * (figure.centre_column + 0.5));
  cell.top = rounded(kFootLine * cell.box.height - scale * (figure.foot_row + 1));
}

void place_whole(const ViewPicture& view, Cell& cell) {
  cell.content = Cell::Content::whole;
  cell.scale = std::min(static_cast<double>(cell.box.width) / view.width,
                        static_cast<double>(cell.box.height) / view.height);
  cell.left = rounded((cell.box.width - cell.scale * view.width) / 2);
  cell.top = rounded((cell.box.height - cell.scale * view.height) / 2);
}

}  // namespace

double height_deviation(const Figure& figure, const Heights& medians) {
  const double body = figure.body_height() / medians.body - 1;
  const double full = figure.full_height() / medians.full - 1;
  return std::abs(body) < std::abs(full) ? body : full;
}

Layout lay_out(const std::vector<std::optional<ViewPicture>>& views) {
  const Size size = cell_size(views);
  const int count = static_cast<int>(views.size());
  const int rows = std::max(1, (count + kColumnsMax - 1) / kColumnsMax);
  const int columns = std::max(1, (count + rows - 1) / rows);
  const int title = std::max(kTitleMinPx, rounded(kTitleShare * size.height));
  const int label = std::max(kLabelMinPx, rounded(kLabelShare * size.height));

  Layout layout;
  layout.width = columns * size.width;
  layout.height = title + rows * (size.height + label);
  layout.title = {0, 0, layout.width, title};
  layout.medians = median_heights(views);
  const double scale = common_scale(views, layout.medians, size);
  layout.guides = guide_rows(scale * layout.medians.body, size.height);
  for (int i = 0; i < count; ++i) {
    Cell cell;
    const int top = title + i / columns * (size.height + label);
    cell.box = {i % columns * size.width, top, size.width, size.height};
    cell.label = {cell.box.left, cell.box.bottom(), size.width, label};
    const auto& view = views[static_cast<std::size_t>(i)];
    if (view && stands_with_the_others(*view, layout.medians)) {
      place_figure(*view->figure, scale, cell);
    } else if (view) {
      place_whole(*view, cell);
    }
    layout.cells.push_back(cell);
  }
  return layout;
}

}  // namespace pirouette::assembly
