// Hair: a cap whose edge is a tilted cut, from the forehead down to the nape, and what hangs,
// stands or is tied from it. Every style is told apart from behind, too.

#include <algorithm>
#include <cmath>

#include "worker/train/characters/skeleton.h"

namespace pirouette::characters {
namespace {

struct Locks {
  const Skeleton& s;
  Sculptor& clay;
  double w, r, d, side;
  bool is_under_hat;

  Vec3 at(double x, double y, double z) const { return s.head + Vec3{x * w, y * r, z * d}; }

  void cap(double size, double tilt_deg, double low) const {
    clay.dome(at(0, 0.08, -0.05), {w * (1 + size), r * (0.93 + size), d * (1 + size)}, low,
              turned(-tilt_deg, 0, 0));
  }

  // Swept from a parting to one side; a shorter one to the other.
  void fringe() const {
    if (!is_under_hat) {
      clay.ball(at(side * 0.26, 0.60, 0.60), {w * 0.64, r * 0.30, d * 0.42},
                turned(24, 0, -20 * side));
      clay.ball(at(-side * 0.50, 0.58, 0.58), {w * 0.42, r * 0.26, d * 0.38},
                turned(24, 0, 34 * side));
    }
    for (const double x : {-1.0, 1.0}) {
      clay.ball(at(x * 0.93, 0.10, 0.26), {w * 0.17, r * 0.42, d * 0.26});
    }
  }

  void braid(Vec3 from, Vec3 to, double thick) const {
    const int beads = std::max(4, static_cast<int>(length(to - from) / (thick * 1.15)));
    for (int i = 0; i < beads; ++i) {
      const double share = static_cast<double>(i) / (beads - 1);
      const double round = thick * (1 - 0.35 * share);
      clay.ball(mix(from, to, share), {round, round * 0.95, round});
    }
  }
};

void curls(const Locks& l) {
  l.cap(0.08, 46, 0.02);
  for (int ring = 0; ring < 3; ++ring) {
    const double up = 0.05 + 0.42 * ring, around = std::sqrt(1 - up * up * 0.75);
    const int count = ring == 2 ? 5 : 8;
    for (int i = 0; i < count; ++i) {
      const double angle = (i + 0.5 * (ring % 2)) * 360.0 / count * kDegree;
      if (ring < 2 && std::cos(angle) > (ring == 0 ? 0.1 : 0.75)) continue;  // not over the face
      l.clay.ball(l.at(1.02 * around * std::sin(angle), up, 1.0 * around * std::cos(angle) - 0.08),
                  {l.w * 0.42, l.w * 0.42, l.w * 0.42});
    }
  }
  l.clay.ball(l.at(0, 0.9, -0.05), {l.w * 0.55, l.r * 0.4, l.d * 0.55});
}

void spikes(const Locks& l) {
  l.cap(0.08, 46, 0.02);
  for (int ring = 0; ring < 3; ++ring) {
    const double up_deg = 20.0 + 30 * ring;
    const int count = ring == 2 ? 4 : 7;
    for (int i = 0; i < count; ++i) {
      const double angle = (i + 0.5 * ring) * 360.0 / count * kDegree;
      if (ring == 0 && std::cos(angle) > 0.2) continue;
      const double up = std::sin(up_deg * kDegree), out = std::cos(up_deg * kDegree);
      const Vec3 way{out * std::sin(angle), up + 0.15, out * std::cos(angle) - 0.1};
      l.clay.cone(l.at(way.x * 0.75, way.y * 0.75, way.z * 0.75), l.w * 0.36,
                  l.at(way.x * 1.5, way.y * 1.45, way.z * 1.5), l.w * 0.03);
    }
  }
  l.clay.ball(l.at(l.side * 0.2, 0.64, 0.62), {l.w * 0.55, l.r * 0.24, l.d * 0.36},
              turned(24, 0, -14 * l.side));
}

void long_hair(const Locks& l, double down) {
  l.cap(0.09, 46, 0.02);
  l.fringe();
  l.clay.ball(l.at(0, -0.35, -0.42), {l.w * 1.02, l.r * 0.95, l.d * 0.66});
  l.clay.cone(l.at(0, -0.45, -0.46), l.w * 1.0, l.at(0, -down, -0.62), l.w * 0.72, 0.52);
  l.clay.ball(l.at(0, -down, -0.62), {l.w * 0.72, l.r * 0.28, l.w * 0.374});
}

void bob(const Locks& l) {
  l.cap(0.10, 46, 0.02);
  l.fringe();
  l.clay.dome(l.at(0, -0.16, -0.24), {l.w * 1.20, l.r * 0.95, l.d * 0.98}, -0.62, {}, 0.9);
}

void ponytail(const Locks& l) {
  l.cap(0.07, 46, 0.02);
  l.fringe();
  const Vec3 root = l.at(0, 0.42, -1.0), bend = l.at(0, 0.10, -1.72), tip = l.at(0, -1.15, -1.42);
  l.clay.limb(root, l.w * 0.24, bend, l.w * 0.40);
  l.clay.limb(bend, l.w * 0.40, tip, l.w * 0.08);
}

void twin_tails(const Locks& l) {
  l.cap(0.07, 46, 0.02);
  l.fringe();
  for (const double x : {-1.0, 1.0}) {
    const Vec3 root = l.at(x * 1.02, 0.36, -0.35), bend = l.at(x * 1.62, -0.1, -0.42);
    l.clay.limb(root, l.w * 0.2, bend, l.w * 0.34);
    l.clay.limb(bend, l.w * 0.34, l.at(x * 1.55, -1.5, -0.34), l.w * 0.07);
  }
}

void mohawk(const Locks& l) {
  for (int i = 0; i < 7; ++i) {
    const double angle = (62.0 - 30 * i) * kDegree;  // from the forehead over to the nape
    const double z = std::sin(angle), y = std::cos(angle);
    const double tall = 0.36 - 0.02 * std::abs(i - 2);
    l.clay.ball(l.at(0, 0.05 + y * 1.02, z * 1.0), {l.w * 0.16, l.w * tall * 1.25, l.w * 0.34},
                along({0, y, z}));
  }
}

}  // namespace

void build_hair(const Character& c, const Skeleton& s, Sculptor& clay) {
  const bool is_human = c.kind == Kind::human || c.kind == Kind::elf || c.kind == Kind::orc;
  const bool is_closed = c.headgear == Headgear::diving_helmet || c.headgear == Headgear::hood;
  if (!is_human || c.hair == Hair::bald || is_closed) return;
  const bool is_pressed = covers_hair(c.headgear) && c.headgear != Headgear::space_helmet;
  const Locks l{s, clay, s.head_w, s.head_r, s.head_d, sign(c.hair_side), is_pressed};
  clay.take(Part::hair, c.palette.hair.colour);
  switch (c.hair) {
    case Hair::bald:
      break;
    case Hair::crop:
      l.cap(0.07, 46, 0.02);
      l.fringe();
      break;
    case Hair::bob:
      bob(l);
      break;
    case Hair::long_hair:
      long_hair(l, 1.9);
      break;
    case Hair::ponytail:
      ponytail(l);
      break;
    case Hair::bun:
      l.cap(0.07, 46, 0.02);
      l.fringe();
      clay.ball(l.at(0, 0.98, -0.55), {l.w * 0.46, l.w * 0.44, l.w * 0.46});
      break;
    case Hair::mohawk:
      mohawk(l);
      break;
    case Hair::twin_tails:
      twin_tails(l);
      break;
    case Hair::curls:
      curls(l);
      break;
    case Hair::spikes:
      spikes(l);
      break;
    case Hair::braid:
      l.cap(0.08, 46, 0.02);
      l.fringe();
      l.braid(l.at(l.side * 0.86, -0.5, 0.1),
              {l.side * (s.chest_w * 0.62), s.chest_y - s.torso * 0.36, s.chest_w * 0.86},
              l.w * 0.26);
      break;
  }
  if (c.headgear == Headgear::space_helmet) return;
  if (c.hair == Hair::ponytail || c.hair == Hair::twin_tails) {
    clay.take(Part::hair, c.palette.trim.colour);
    if (c.hair == Hair::ponytail) {
      clay.ball(l.at(0, 0.40, -1.06), {l.w * 0.26, l.w * 0.26, l.w * 0.16});
    } else {
      for (const double x : {-1.06, 1.06}) {
        clay.ball(l.at(x, 0.34, -0.36), {l.w * 0.15, l.w * 0.25, l.w * 0.25});
      }
    }
  }
}

}  // namespace pirouette::characters
