// What is worn on the back: it tells a back view from a front without a face.

#include <algorithm>
#include <cmath>

#include "worker/train/characters/skeleton.h"

namespace pirouette::characters {
namespace {

void cape(const Character& c, const Skeleton& s, double bottom_y, Sculptor& clay) {
  const Colour cloth = c.palette.trim.colour;
  const double deep = s.chest_w * s.depth;
  const Vec3 top{0, s.shoulder_y + 0.012, -deep * 0.55}, bottom{0, bottom_y, -deep * 0.9 - 0.045};
  clay.take(Part::back, cloth);
  clay.cone(bottom, s.shoulder_w * 1.62, top, s.shoulder_w * 0.98, 0.34);
  clay.ball(top + Vec3{0, -0.008, 0.004}, {s.shoulder_w * 1.02, 0.040, deep * 0.78});
  clay.take(Part::back, darker(cloth, 0.8));
  clay.cone(bottom - Vec3{0, 0.004, 0}, s.shoulder_w * 1.645, bottom + Vec3{0, 0.018, 0},
            s.shoulder_w * 1.63, 0.34);
  clay.take(Part::back, c.palette.metal.colour);
  for (const Side side : kSides) {
    clay.ball({sign(side) * s.chest_w * 0.55, s.shoulder_y - 0.006, deep * 0.80},
              {0.018, 0.018, 0.012});
  }
}

void backpack(const Character& c, const Skeleton& s, Sculptor& clay) {
  const double deep = s.chest_w * s.depth, wide = std::max(0.085, s.chest_w * 0.86);
  const Vec3 at{0, s.chest_y - s.torso * 0.16, -deep * 0.86 - 0.050};
  const bool is_padded = c.top == Top::padded_suit;
  clay.take(Part::back,
            is_padded ? darker(c.palette.metal.colour, 0.92) : c.palette.leather.colour);
  clay.box(at, {wide, s.torso * 0.46, 0.060});
  clay.take(Part::back, is_padded ? c.palette.trim.colour : darker(c.palette.leather.colour, 0.82));
  clay.box(at + Vec3{0, s.torso * 0.28, -0.006}, {wide * 1.04, s.torso * 0.21, 0.064});
  if (!is_padded) {
    clay.take(Part::back, c.palette.second.colour);
    clay.cone(at + Vec3{-wide * 1.25, s.torso * 0.62, 0}, 0.046,
              at + Vec3{wide * 1.25, s.torso * 0.62, 0}, 0.046);
  }
  clay.take(Part::back, darker(c.palette.leather.colour, 0.7));
  for (const Side side : kSides) {
    const double x = sign(side) * s.chest_w * 0.58, out = deep * 0.90 + 0.010;
    Vec3 from{x, s.shoulder_y + 0.012, -0.02};
    constexpr int kLinks = 6;
    for (int i = 1; i <= kLinks; ++i) {
      const double t = static_cast<double>(i) / kLinks;
      const Vec3 to{x * (1 + 0.35 * t * t), mix(from, {0, s.waist_y, 0}, 1.0 / (kLinks + 1 - i)).y,
                    out * std::sqrt(std::sin(t * 180 * kDegree))};
      clay.limb(from, 0.012, to, 0.012);
      from = to;
    }
  }
}

// Over the shoulder of the side where the hair does not fall.
void quiver(const Character& c, const Skeleton& s, Sculptor& clay) {
  const double x = sign(opposite(c.hair_side)), deep = s.chest_w * s.depth;
  const Vec3 low{-x * s.chest_w * 0.45, s.waist_y, -deep - 0.03};
  const Vec3 high{x * s.chest_w * 0.62, s.shoulder_y + 0.035, -deep - 0.04};
  const Vec3 way = unit(high - low);
  clay.take(Part::back, c.palette.leather.colour);
  clay.limb(low, 0.034, low, 0.034);
  clay.cone(low, 0.034, high, 0.044);
  clay.take(Part::back, darker(c.palette.leather.colour, 0.75));
  clay.cone(high - way * 0.03, 0.047, high, 0.048);
  for (int i = -1; i <= 1; ++i) {
    const Vec3 root = high + Vec3{i * 0.020, 0, i * i * 0.012};
    clay.take(Part::back, {172, 120, 76});
    clay.limb(root, 0.006, root + way * 0.08, 0.006);
    clay.take(Part::back, c.palette.trim.colour);
    clay.ball(root + way * 0.085, {0.014, 0.036, 0.014}, along(way));
  }
}

void wings(const Character& c, const Skeleton& s, Sculptor& clay) {
  const double deep = s.chest_w * s.depth;
  const Colour feather = lighter(c.palette.trim.colour, 0.55);
  for (const Side side : kSides) {
    const double x = sign(side);
    for (int i = 0; i < 4; ++i) {
      clay.take(Part::back, i % 2 == 0 ? feather : darker(feather, 0.92));
      const double angle = 28.0 + 27 * i;
      const double size = 0.165 - 0.020 * i;
      const Frame frame = turned(-8, 24 * x, -angle * x);
      clay.ball(Vec3{x * 0.035, s.chest_y - 0.01 * i, -deep - 0.02 - 0.006 * (3 - i)} +
                    frame.y * size * 0.9,
                {0.042, size, 0.014}, frame);
    }
  }
}

}  // namespace

void build_back(const Character& c, const Skeleton& s, Sculptor& clay) {
  switch (c.back) {
    case Back::none:
      break;
    case Back::cape:
      cape(c, s, s.hip_y * 0.62, clay);
      break;
    case Back::long_cape:
      cape(c, s, 0.11, clay);
      break;
    case Back::backpack:
      backpack(c, s, clay);
      break;
    case Back::quiver:
      quiver(c, s, clay);
      break;
    case Back::wings:
      wings(c, s, clay);
      break;
  }
}

}  // namespace pirouette::characters
