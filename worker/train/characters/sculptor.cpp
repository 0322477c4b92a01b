// See sculptor.h.

#include "worker/train/characters/sculptor.h"

#include <algorithm>
#include <cmath>

namespace pirouette::characters {

int Sculptor::take(Part part, Colour colour) {
  resume(groups_++, part, colour);
  return group_;
}

void Sculptor::resume(int group, Part part, Colour colour) {
  group_ = group;
  part_ = part;
  colour_ = colour;
}

void Sculptor::add(Solid solid) {
  solid.colour = colour_;
  solid.part = part_;
  solid.group = group_;
  body_.solids.push_back(solid);
}

void Sculptor::ball(Vec3 centre, Vec3 radii, const Frame& frame) { dome(centre, radii, -1, frame); }

void Sculptor::dome(Vec3 centre, Vec3 radii, double low, const Frame& frame, double high) {
  Solid solid;
  solid.centre = centre;
  solid.x = frame.x * radii.x;
  solid.y = frame.y * radii.y;
  solid.z = frame.z * radii.z;
  solid.low = low;
  solid.high = high;
  add(solid);
}

void Sculptor::limb(Vec3 a, double radius_a, Vec3 b, double radius_b) {
  ball(a, {radius_a, radius_a, radius_a});
  ball(b, {radius_b, radius_b, radius_b});
  const double distance = length(b - a);
  if (distance <= std::abs(radius_a - radius_b) + 1e-6) return;  // one ball holds the other
  // The cone that touches both balls, from circle to circle of touch.
  const double lean = (radius_a - radius_b) / distance, upright = std::sqrt(1 - lean * lean);
  const Vec3 way = (b - a) * (1 / distance);
  cone(a + way * (lean * radius_a), radius_a * upright, b + way * (lean * radius_b),
       radius_b * upright);
}

void Sculptor::cone(Vec3 a, double radius_a, Vec3 b, double radius_b, double depth) {
  const double wide = std::max(radius_a, radius_b);
  Frame frame = along(b - a);
  // A flattened cone is thin from front to back.
  if (depth != 1) frame = {{1, 0, 0}, unit(b - a), {0, 0, 1}};
  Solid solid;
  solid.centre = mix(a, b, 0.5);
  solid.x = frame.x * wide;
  solid.y = (b - a) * 0.5;
  solid.z = frame.z * (wide * depth);
  const double middle = (radius_a + radius_b) / 2 / wide, slope = (radius_b - radius_a) / 2 / wide;
  solid.square = -slope * slope;
  solid.linear = -2 * middle * slope;
  solid.constant = -middle * middle;
  add(solid);
}

void Sculptor::bell(Vec3 top, double radius_top, double height, double radius_bottom, double depth,
                    double curve) {
  const double wide = std::max(radius_top, radius_bottom);
  Solid solid;
  solid.centre = top - Vec3{0, height / 2, 0};
  solid.x = {wide, 0, 0};
  solid.y = {0, height / 2, 0};
  solid.z = {0, 0, wide * depth};
  // Radii squared at the two ends and in the middle give the quadric.
  const double up = radius_top / wide, down = radius_bottom / wide;
  const double middle = (up + down) / 2 * (1 - curve);
  const double upper = up * up, lower = down * down, half = middle * middle;
  solid.constant = -half;
  solid.linear = -(upper - lower) / 2;
  solid.square = -((upper + lower) / 2 - half);
  add(solid);
}

void Sculptor::box(Vec3 centre, Vec3 half, const Frame& frame) {
  Solid solid;
  solid.shape = Solid::Shape::box;
  solid.centre = centre;
  solid.x = frame.x * half.x;
  solid.y = frame.y * half.y;
  solid.z = frame.z * half.z;
  add(solid);
}

void Sculptor::mark(Mark mark, Colour colour, Vec3 at, double half_width, double half_height,
                    Part part, double turn_deg, bool is_lit) {
  mark_on(group_, mark, colour, at, turned(0, 0, turn_deg), half_width, half_height, part, is_lit);
}

void Sculptor::mark_on(int group, Mark mark, Colour colour, Vec3 at, const Frame& frame,
                       double half_width, double half_height, Part part, bool is_lit) {
  body_.decals.push_back({mark, at, frame.x * (1 / half_width), frame.y * (1 / half_height), colour,
                          part, group, is_lit});
}

}  // namespace pirouette::characters
