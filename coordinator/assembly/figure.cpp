// See figure.h. Everything is a pass over the pixels or a flood fill with an explicit stack.

#include "coordinator/assembly/figure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <vector>

namespace pirouette::assembly {
namespace {

// Of the border's pixels that must have its median colour for there to be a ground at all. Figures
// cut off at one side still leave this; noise does not come near it.
constexpr double kGroundBorderShare = 0.6;
// Of the picture that the largest piece must cover, and of its height that it must reach.
constexpr double kFigureMinArea = 0.005;
constexpr double kFigureMinHeight = 0.15;
// The core is a band around the body's middle column, this share of the figure's height to either
// side: about half a head. A row belongs to the body if it fills this share of the band.
constexpr double kCoreHalfWidth = 0.06;
constexpr double kCoreFill = 0.25;

struct Mask {
  int width, height;
  std::vector<std::uint8_t> values;
  std::uint8_t& at(int x, int y) { return values[index(x, y)]; }
  std::uint8_t at(int x, int y) const { return values[index(x, y)]; }
  std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
           static_cast<std::size_t>(x);
  }
};

enum : std::uint8_t { kUnknown = 0, kGround = 1, kFigure = 2, kCounted = 3, kBody = 4 };

const std::uint8_t* pixel(const Image& image, int x, int y) {
  const auto row = static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width);
  return &image.pixels[(row + static_cast<std::size_t>(x)) *
                       static_cast<std::size_t>(image.channels)];
}

bool is_near(const std::uint8_t* p, Rgb colour) {
  return std::abs(p[0] - colour.r) <= kGroundTolerance &&
         std::abs(p[1] - colour.g) <= kGroundTolerance &&
         std::abs(p[2] - colour.b) <= kGroundTolerance;
}

template <typename Visit>
void for_each_border_pixel(int width, int height, Visit visit) {
  for (int x = 0; x < width; ++x) {
    visit(x, 0);
    if (height > 1) visit(x, height - 1);
  }
  for (int y = 1; y + 1 < height; ++y) {
    visit(0, y);
    if (width > 1) visit(width - 1, y);
  }
}

// Turns what is reachable from (x, y) over pixels of value from into value to; corners join where
// diagonal. Calls visit for each pixel.
template <typename Visit>
void flood(Mask& mask, int x, int y, std::uint8_t from, std::uint8_t to, bool diagonal,
           Visit visit) {
  std::vector<std::array<int, 2>> stack = {{x, y}};
  mask.at(x, y) = to;
  while (!stack.empty()) {
    const auto [px, py] = stack.back();
    stack.pop_back();
    visit(px, py);
    for (int dy = -1; dy <= 1; ++dy) {
      for (int dx = -1; dx <= 1; ++dx) {
        if (!diagonal && dx != 0 && dy != 0) continue;
        const int nx = px + dx, ny = py + dy;
        if (nx < 0 || ny < 0 || nx >= mask.width || ny >= mask.height) continue;
        if (mask.at(nx, ny) != from) continue;
        mask.at(nx, ny) = to;
        stack.push_back({nx, ny});
      }
    }
  }
}

// kGround where the ground is, kFigure elsewhere; nothing without a plain ground.
std::optional<Mask> separate_ground(const Image& image) {
  const Rgb ground = ground_colour(image);
  Mask mask{image.width, image.height, {}};
  mask.values.assign(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height),
                     kFigure);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      if (is_near(pixel(image, x, y), ground)) mask.at(x, y) = kUnknown;
    }
  }
  int border = 0, plain = 0;
  for_each_border_pixel(image.width, image.height, [&](int x, int y) {
    ++border;
    plain += mask.at(x, y) != kFigure ? 1 : 0;
  });
  if (plain < kGroundBorderShare * border) return std::nullopt;
  for_each_border_pixel(image.width, image.height, [&](int x, int y) {
    if (mask.at(x, y) == kUnknown) {
      flood(mask, x, y, kUnknown, kGround, false, [](int, int) {});
    }
  });
  std::replace(mask.values.begin(), mask.values.end(), std::uint8_t{kUnknown},
               std::uint8_t{kFigure});
  return mask;
}

struct Piece {
  int x, y;  // one of its pixels
  int area;
};

// Largest first.
std::vector<Piece> find_pieces(Mask& mask) {
  std::vector<Piece> pieces;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (mask.at(x, y) != kFigure) continue;
      Piece piece{x, y, 0};
      flood(mask, x, y, kFigure, kCounted, true, [&](int, int) { ++piece.area; });
      pieces.push_back(piece);
    }
  }
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Piece& a, const Piece& b) { return a.area > b.area; });
  return pieces;
}

int count_body(const Mask& mask, int row, int from, int to) {
  int count = 0;
  for (int x = std::max(from, 0); x < std::min(to, mask.width); ++x) {
    count += mask.at(x, row) == kBody ? 1 : 0;
  }
  return count;
}

// The column with half of the body's pixels to its left.
int median_column(const std::vector<int>& columns, int area) {
  int passed = 0;
  for (std::size_t x = 0; x < columns.size(); ++x) {
    passed += columns[x];
    if (passed * 2 >= area) return static_cast<int>(x);
  }
  return 0;
}

// From one place on an axis to another, pixels counted in parts: so a mirrored picture has a
// mirrored grid.
struct Span {
  double from, to;
  int first() const { return static_cast<int>(from); }
  double share(int pixel) const {
    return std::min<double>(to, pixel + 1) - std::max<double>(from, pixel);
  }
};

Span field(int start, int length, int index) {
  const double each = static_cast<double>(length) / kLikenessSide;
  return {start + each * index, std::min<double>(start + each * (index + 1), start + length)};
}

void measure_core(const Mask& mask, Figure& figure) {
  figure.foot_row = figure.box.bottom() - 1;
  const int left = figure.box.left, right = figure.box.right();
  while (figure.foot_row > figure.box.top &&
         count_body(mask, figure.foot_row, left, right) < kFootMinPx) {
    --figure.foot_row;
  }
  const int half = std::max(2, static_cast<int>(std::lround(kCoreHalfWidth * figure.box.height)));
  const int from = figure.centre_column - half, to = figure.centre_column + half + 1;
  const int needed = std::max(kFootMinPx, static_cast<int>(kCoreFill * (to - from)));
  figure.head_row = figure.box.top;
  while (figure.head_row < figure.foot_row &&
         count_body(mask, figure.head_row, from, to) < needed) {
    ++figure.head_row;
  }
}

}  // namespace

Rgb ground_colour(const Image& image) {
  std::array<std::array<int, 256>, 3> histogram{};
  int count = 0;
  for_each_border_pixel(image.width, image.height, [&](int x, int y) {
    const std::uint8_t* p = pixel(image, x, y);
    for (std::size_t c = 0; c < 3; ++c) ++histogram[c][p[c]];
    ++count;
  });
  std::array<std::uint8_t, 3> median{};
  for (std::size_t c = 0; c < 3; ++c) {
    int passed = 0, value = 0;
    while (value < 255 && (passed += histogram[c][static_cast<std::size_t>(value)]) * 2 < count) {
      ++value;
    }
    median[c] = static_cast<std::uint8_t>(value);
  }
  return {median[0], median[1], median[2]};
}

std::optional<Ground> find_ground(const Image& image) {
  const auto mask = separate_ground(image);
  if (!mask) return std::nullopt;
  Ground ground{image.width, std::vector<bool>(mask->values.size())};
  for (std::size_t i = 0; i < mask->values.size(); ++i) {
    ground.pixels[i] = mask->values[i] == kGround;
  }
  return ground;
}

std::optional<Figure> find_figure(const Image& image) {
  std::optional<Mask> mask = separate_ground(image);
  if (!mask) return std::nullopt;
  const std::vector<Piece> pieces = find_pieces(*mask);
  const double picture_area = static_cast<double>(image.width) * image.height;
  if (pieces.empty() || pieces[0].area < kFigureMinArea * picture_area) return std::nullopt;

  int left = image.width, top = image.height, right = 0, bottom = 0;
  std::vector<int> columns(static_cast<std::size_t>(image.width));
  flood(*mask, pieces[0].x, pieces[0].y, kCounted, kBody, true, [&](int x, int y) {
    left = std::min(left, x);
    right = std::max(right, x + 1);
    top = std::min(top, y);
    bottom = std::max(bottom, y + 1);
    ++columns[static_cast<std::size_t>(x)];
  });
  Figure figure;
  figure.box = {left, top, right - left, bottom - top};
  if (figure.box.height < kFigureMinHeight * image.height) return std::nullopt;
  figure.centre_column = median_column(columns, pieces[0].area);
  figure.touches_border = left == 0 || top == 0 || right == image.width || bottom == image.height;
  figure.large_pieces =
      static_cast<int>(std::count_if(pieces.begin(), pieces.end(), [&](const Piece& piece) {
        return piece.area >= kLargePieceShare * pieces[0].area;
      }));
  measure_core(*mask, figure);
  return figure;
}

Likeness likeness(const Image& image, const Box& box) {
  Likeness grid{};
  std::size_t at = 0;
  for (int row = 0; row < kLikenessSide; ++row) {
    const Span rows = field(box.top, box.height, row);
    for (int column = 0; column < kLikenessSide; ++column) {
      const Span columns = field(box.left, box.width, column);
      std::array<double, 3> sum{};
      for (int y = rows.first(); y < rows.to; ++y) {
        for (int x = columns.first(); x < columns.to; ++x) {
          const double weight = rows.share(y) * columns.share(x);
          const std::uint8_t* p = pixel(image, x, y);
          for (std::size_t c = 0; c < 3; ++c) sum[c] += weight * p[c];
        }
      }
      const double area = (rows.to - rows.from) * (columns.to - columns.from);
      for (const double s : sum) grid[at++] = static_cast<std::uint8_t>(std::lround(s / area));
    }
  }
  return grid;
}

double difference(const Likeness& a, const Likeness& b) {
  std::array<int, kLikenessSide * kLikenessSide> fields{};
  for (std::size_t i = 0; i < a.size(); ++i) fields[i / 3] += std::abs(a[i] - b[i]);
  const auto last = fields.begin() + kLikenessFields;
  std::partial_sort(fields.begin(), last, fields.end(), std::greater<>());
  return std::accumulate(fields.begin(), last, 0.0) / (3 * kLikenessFields);
}

Likeness mirrored(const Likeness& likeness) {
  constexpr std::size_t kSide = kLikenessSide;
  Likeness out{};
  for (std::size_t i = 0; i < out.size() / 3; ++i) {
    const std::size_t from = i / kSide * kSide + kSide - 1 - i % kSide;
    std::copy_n(&likeness[3 * from], 3, &out[3 * i]);
  }
  return out;
}

}  // namespace pirouette::assembly
