// See samples.h. Coordinates are relative to each solid's centre, which keeps floats exact enough.

#include "worker/train/characters/samples.h"

#include <algorithm>
#include <cmath>

namespace pirouette::characters {
namespace {

// Below this a direction counts as parallel to a plane.
constexpr double kParallel = 1e-5;

double radius_at(const Solid& solid, double along) {
  return std::sqrt(
      std::max(0.0, -(solid.square * along * along + solid.linear * along + solid.constant)));
}

// How far the solid reaches along a direction of the view, both ways from its centre.
std::pair<double, double> reach(const Solid& solid, Vec3 direction) {
  const double x = dot(solid.x, direction), y = dot(solid.y, direction),
               z = dot(solid.z, direction);
  if (solid.shape == Solid::Shape::box) {
    const double most = std::abs(x) + std::abs(y) + std::abs(z);
    return {-most, most};
  }
  if (!solid.is_cut()) {
    const double most = std::sqrt(x * x + y * y + z * z);
    return {-most, most};
  }
  double least = 1e9, most = -1e9;
  constexpr int kSlices = 8;
  for (int i = 0; i <= kSlices; ++i) {
    const double along = solid.low + (solid.high - solid.low) * i / kSlices;
    const double wide = radius_at(solid, along) * std::hypot(x, z);
    least = std::min(least, y * along - wide);
    most = std::max(most, y * along + wide);
  }
  // Between two slices a ball bulges a little further.
  const double slack = solid.square > 0 ? 0.03 * (most - least) : 0;
  return {least - slack, most + slack};
}

// One row's part of the ray's equation: away2 t^2 + 2 (b1 s + b0) t + c(s) = 0, s the column's x.
struct RowEquation {
  float a, inverse_a;
  float b1, b0;
  float d2, d1, d0;  // (b^2 - a c) as a polynomial of s
  float c2, c1, c0;
  float y1, y0, yt;  // l.y = y1 s + y0 + yt t
  float low, high;
};

RowEquation equation(const Posed& posed, double y) {
  const Solid& solid = *posed.solid;
  const Vec3 a = posed.across, d = posed.away, e = posed.up * (y - posed.y0);
  const double q = solid.square, l = solid.linear;
  double aa = d.x * d.x + d.z * d.z + q * d.y * d.y;
  if (std::abs(aa) < 1e-7) aa = aa < 0 ? -1e-7 : 1e-7;
  const double b1 = d.x * a.x + d.z * a.z + q * d.y * a.y;
  const double b0 = d.x * e.x + d.z * e.z + q * d.y * e.y + l * d.y / 2;
  const double c2 = a.x * a.x + a.z * a.z + q * a.y * a.y;
  const double c1 = 2 * (a.x * e.x + a.z * e.z + q * a.y * e.y) + l * a.y;
  const double c0 = e.x * e.x + e.z * e.z + q * e.y * e.y + l * e.y + solid.constant;
  const auto f = [](double value) { return static_cast<float>(value); };
  return {f(aa),
          f(1 / aa),
          f(b1),
          f(b0),
          f(b1 * b1 - aa * c2),
          f(2 * b0 * b1 - aa * c1),
          f(b0 * b0 - aa * c0),
          f(c2),
          f(c1),
          f(c0),
          f(a.y),
          f(e.y),
          f(d.y),
          f(solid.low),
          f(solid.high)};
}

struct Span {
  int from, to;   // columns
  float s, step;  // the first column's x from the solid's centre, and a column's width
  float depth0;
};

// Where the discriminant is positive, if that is one stretch of the row.
void narrow(const RowEquation& e, const Posed& posed, const Grid& grid, Span& span) {
  const double d2 = e.d2, d1 = e.d1, d0 = e.d0;
  if (d2 > -1e-9) return;
  const double inner = d1 * d1 - 4 * d2 * d0;
  if (inner <= 0) {
    span.to = span.from;
    return;
  }
  const double root = std::sqrt(inner);
  const double left = posed.x0 + (-d1 + root) / (2 * d2),
               right = posed.x0 + (-d1 - root) / (2 * d2);
  const auto column = [&](double x) { return x * grid.per_unit + grid.centre - 0.5; };
  span.from = std::max(span.from, static_cast<int>(std::ceil(column(left) - 0.01)));
  span.to = std::min(span.to, static_cast<int>(std::floor(column(right) + 0.01)) + 1);
}

enum class Cut { none, beside, across };

// none: a whole ball. beside: the planes run along the rays, so only the sides are seen. across: a
// plane may be what the ray meets first.
template <Cut kCut>
void fill(const RowEquation& e, const Span& span, std::int32_t index, float* __restrict depth,
          std::int32_t* __restrict seen) {
  const float inverse_yt = kCut == Cut::across ? 1 / e.yt : 0;
  const float near_plane = e.yt > 0 ? e.high : e.low;
  const int count = span.to - span.from;
  for (int i = 0; i < count; ++i) {
    const float s = span.s + span.step * static_cast<float>(i);
    const float b = e.b1 * s + e.b0;
    const float d = (e.d2 * s + e.d1) * s + e.d0;
    float t = (std::sqrt(d > 0 ? d : 0.0F) - b) * e.inverse_a;
    int hit = d >= 0 ? 1 : 0;
    if constexpr (kCut == Cut::beside) {
      const float y = e.y1 * s + e.y0;
      hit &= (y >= e.low ? 1 : 0) & (y <= e.high ? 1 : 0);
    }
    if constexpr (kCut == Cut::across) {
      const float y = e.y1 * s + e.y0;
      const float on_side = y + e.yt * t;
      hit &= (on_side >= e.low ? 1 : 0) & (on_side <= e.high ? 1 : 0);
      const float plane = (near_plane - y) * inverse_yt;
      const float c = (e.c2 * s + e.c1) * s + e.c0;
      const int capped = (e.a * plane + 2 * b) * plane + c <= 0 ? 1 : 0;
      t = capped ? plane : t;
      hit |= capped;
    }
    t += span.depth0;
    hit &= t > depth[i] ? 1 : 0;
    depth[i] = hit ? t : depth[i];
    seen[i] = hit ? index : seen[i];
  }
}

// The ray is inside the box between the nearest far plane and the farthest near one.
void fill_box(const Posed& posed, double y, const Span& span, std::int32_t index, float* depth,
              std::int32_t* seen) {
  const Vec3 e = posed.up * (y - posed.y0);
  const double across[3] = {posed.across.x, posed.across.y, posed.across.z};
  const double origin[3] = {e.x, e.y, e.z};
  const double away[3] = {posed.away.x, posed.away.y, posed.away.z};
  float slope[3], start[3], half[3];
  for (int k = 0; k < 3; ++k) {
    const double d = std::abs(away[k]) < kParallel ? kParallel : away[k];
    slope[k] = static_cast<float>(-across[k] / d);
    start[k] = static_cast<float>(-origin[k] / d);
    half[k] = static_cast<float>(std::abs(1 / d));
  }
  const int count = span.to - span.from;
  for (int i = 0; i < count; ++i) {
    const float s = span.s + span.step * static_cast<float>(i);
    const float m0 = slope[0] * s + start[0], m1 = slope[1] * s + start[1],
                m2 = slope[2] * s + start[2];
    const float near = std::min(m0 + half[0], std::min(m1 + half[1], m2 + half[2]));
    const float far = std::max(m0 - half[0], std::max(m1 - half[1], m2 - half[2]));
    const float t = near + span.depth0;
    const bool hit = near >= far && t > depth[i];
    depth[i] = hit ? t : depth[i];
    seen[i] = hit ? index : seen[i];
  }
}

void draw_row(const Posed& posed, std::int32_t index, const Grid& grid, int row, Span span,
              Samples& samples) {
  const double y = grid.y_of(row);
  const bool is_box = posed.solid->shape == Solid::Shape::box;
  RowEquation e{};
  if (!is_box) {
    e = equation(posed, y);
    narrow(e, posed, grid, span);
  }
  if (span.from >= span.to) return;
  span.s = static_cast<float>(grid.x_of(span.from) - posed.x0);
  const std::size_t at = samples.at(span.from, row);
  float* depth = &samples.depth[at];
  std::int32_t* seen = &samples.seen[at];
  if (is_box) {
    fill_box(posed, y, span, index, depth, seen);
  } else if (!posed.solid->is_cut()) {
    fill<Cut::none>(e, span, index, depth, seen);
  } else if (std::abs(posed.away.y) < kParallel) {
    fill<Cut::beside>(e, span, index, depth, seen);
  } else {
    fill<Cut::across>(e, span, index, depth, seen);
  }
}

}  // namespace

Posed pose(const Solid& solid, double azimuth_deg) {
  const double c = std::cos(azimuth_deg * kDegree), s = std::sin(azimuth_deg * kDegree);
  const Vec3 right{c, 0, -s}, up{0, 1, 0}, nearer{s, 0, c};
  const Vec3 yz = cross(solid.y, solid.z), zx = cross(solid.z, solid.x),
             xy = cross(solid.x, solid.y);
  const double scale = 1 / dot(solid.x, yz);
  const auto local = [&](Vec3 d) { return Vec3{dot(yz, d), dot(zx, d), dot(xy, d)} * scale; };
  Posed posed{&solid,
              dot(solid.centre, right),
              solid.centre.y,
              dot(solid.centre, nearer),
              local(right),
              local(up),
              local(nearer),
              0,
              0,
              0,
              0};
  const auto [left_most, right_most] = reach(solid, right);
  const auto [lowest, highest] = reach(solid, up);
  posed.left = posed.x0 + left_most;
  posed.right = posed.x0 + right_most;
  posed.bottom = posed.y0 + lowest;
  posed.top = posed.y0 + highest;
  return posed;
}

void Samples::clear(int first, int count, int width) {
  first_row = first;
  rows = count;
  columns = width;
  const std::size_t size = static_cast<std::size_t>(count) * static_cast<std::size_t>(width);
  depth.assign(size, kFar);
  seen.assign(size, -1);
}

void draw(const Posed& posed, std::int32_t index, const Grid& grid, Samples& samples) {
  const auto row_of = [&](double y) { return grid.foot - y * grid.per_unit - 0.5; };
  const auto column_of = [&](double x) { return x * grid.per_unit + grid.centre - 0.5; };
  const int first = std::max(samples.first_row, static_cast<int>(std::floor(row_of(posed.top))));
  const int last = std::min(samples.first_row + samples.rows - 1,
                            static_cast<int>(std::ceil(row_of(posed.bottom))));
  Span span{};
  span.from = std::max(0, static_cast<int>(std::floor(column_of(posed.left))));
  span.to = std::min(samples.columns, static_cast<int>(std::ceil(column_of(posed.right))) + 1);
  span.step = static_cast<float>(1 / grid.per_unit);
  span.depth0 = static_cast<float>(posed.depth0);
  if (span.from >= span.to) return;
  for (int row = first; row <= last; ++row) draw_row(posed, index, grid, row, span, samples);
}

}  // namespace pirouette::characters
