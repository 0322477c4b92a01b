// What is worn on the head.

#include <algorithm>
#include <cmath>

#include "worker/train/characters/skeleton.h"

namespace pirouette::characters {
namespace {

struct Hat {
  const Character& c;
  const Skeleton& s;
  Sculptor& clay;
  double w, r, d;

  Vec3 at(double x, double y, double z) const { return s.head + Vec3{x * w, y * r, z * d}; }
  int take(Colour colour) const { return clay.take(Part::headgear, colour); }

  void brim(double y, double wide, Colour colour) const {
    take(colour);
    clay.ball(at(0, y, -0.05), {w * wide, r * 0.10, w * wide}, turned(6, 0, 0));
  }
};

void pointed_hat(const Hat& h, bool has_brim) {
  const Colour cloth = h.c.palette.main.colour;
  const double side = sign(h.c.hair_side);
  h.take(cloth);
  const Vec3 bend = h.at(side * 0.12, 1.75, -0.25), tip = h.at(side * 0.75, 2.35, -0.55);
  h.clay.cone(h.at(0, 0.42, -0.06), h.w * 1.02, bend, h.w * 0.40);
  h.clay.limb(bend, h.w * 0.38, tip, h.w * 0.06);
  h.take(h.c.palette.trim.colour);
  h.clay.cone(h.at(0, 0.44, -0.06), h.w * 1.06, h.at(0.02 * side, 0.72, -0.09), h.w * 0.95);
  if (has_brim) {
    h.brim(0.42, 1.75, cloth);
    h.take(h.c.palette.metal.colour);
    h.clay.box(h.at(0, 0.60, 0.94), {h.w * 0.2, h.r * 0.17, h.w * 0.06});
  }
}

void cap(const Hat& h) {
  h.take(h.c.palette.trim.colour);
  h.clay.dome(h.at(0, 0.16, -0.04), {h.w * 1.13, h.r * 0.98, h.d * 1.13}, 0.14);
  h.take(darker(h.c.palette.trim.colour, 0.82));
  h.clay.ball(h.at(0, 0.34, 0.98), {h.w * 0.78, h.r * 0.08, h.d * 0.56}, turned(10, 0, 0));
  h.clay.ball(h.at(0, 1.13, -0.04), {h.w * 0.14, h.r * 0.1, h.w * 0.14});
}

void helmet(const Hat& h, bool has_horns) {
  const Colour metal = h.c.palette.metal.colour;
  h.take(metal);
  h.clay.dome(h.at(0, 0.05, -0.05), {h.w * 1.17, h.r * 1.10, h.d * 1.17}, 0.22, turned(-12, 0, 0));
  // The back and the cheeks, open in front.
  h.clay.dome(h.at(0, -0.02, -0.30), {h.w * 1.16, h.r * 1.0, h.d * 0.94}, -0.78);
  h.take(darker(metal, 0.8));
  h.clay.cone(h.at(0, 0.26, -0.04), h.w * 1.18, h.at(0, 0.42, -0.06), h.w * 1.16);
  if (has_horns) {
    for (const double x : {-1.0, 1.0}) {
      h.take({244, 234, 210});
      h.clay.limb(h.at(x * 1.0, 0.62, 0), h.w * 0.24, h.at(x * 1.62, 0.95, 0.05), h.w * 0.16);
      h.clay.limb(h.at(x * 1.62, 0.95, 0.05), h.w * 0.16, h.at(x * 1.66, 1.62, 0.1), h.w * 0.03);
    }
    return;
  }
  h.take(h.c.palette.trim.colour);  // the plume
  for (int i = 0; i < 5; ++i) {
    const double t = i / 4.0;
    h.clay.ball(h.at(0, 1.28 + 0.30 * t - 0.42 * t * t * t, 0.30 - 1.45 * t),
                {h.w * 0.20, h.r * (0.26 + 0.05 * i - 0.03 * i * t), h.d * 0.36});
  }
}

void hood(const Hat& h) {
  h.take(h.c.palette.main.colour);
  h.clay.dome(h.at(0, 0.10, -0.08), {h.w * 1.22, h.r * 1.12, h.d * 1.2}, -0.12, turned(-52, 0, 0));
  h.clay.limb(h.at(0, 0.55, -0.75), h.w * 0.56, h.at(0, 0.62, -1.45), h.w * 0.08);
  h.clay.cone(h.at(0, -1.25, -0.16), h.w * 1.12, h.at(0, -0.6, -0.2), h.w * 0.98, 0.92);
}

void crown(const Hat& h) {
  h.take(h.c.palette.metal.colour);
  h.clay.cone(h.at(0, 0.62, -0.08), h.w * 0.86, h.at(0, 0.92, -0.10), h.w * 0.92);
  for (int i = 0; i < 6; ++i) {
    const double angle = (60.0 * i) * kDegree;
    const double x = 0.9 * std::sin(angle), z = 0.9 * std::cos(angle) - 0.1;
    h.clay.cone(h.at(x, 0.90, z), h.w * 0.22, h.at(x * 1.06, 1.30, z * 1.02), h.w * 0.03);
  }
  h.take(h.c.palette.trim.colour);
  h.clay.ball(h.at(0, 0.80, 0.80), {h.w * 0.13, h.w * 0.13, h.w * 0.08});
}

void antlers(const Hat& h) {
  h.take({188, 140, 96});
  for (const double x : {-1.0, 1.0}) {
    const Vec3 root = h.at(x * 0.42, 0.82, 0), fork = h.at(x * 0.86, 1.36, 0),
               tip = h.at(x * 0.98, 2.02, 0.05);
    h.clay.limb(root, h.w * 0.11, fork, h.w * 0.10);
    h.clay.limb(fork, h.w * 0.10, tip, h.w * 0.05);
    h.clay.limb(fork, h.w * 0.09, h.at(x * 1.42, 1.72, 0.05), h.w * 0.05);
    h.clay.limb(mix(fork, tip, 0.45), h.w * 0.08, h.at(x * 0.55, 1.92, 0.1), h.w * 0.045);
  }
}

void toque(const Hat& h) {
  h.take({247, 248, 252});
  h.clay.cone(h.at(0, 0.40, -0.08), h.w * 1.0, h.at(0, 1.20, -0.12), h.w * 1.04);
  for (int i = 0; i < 5; ++i) {
    const double angle = (72.0 * i + 36) * kDegree;
    h.clay.ball(h.at(0.56 * std::sin(angle), 1.42, 0.56 * std::cos(angle) - 0.12),
                {h.w * 0.66, h.r * 0.46, h.w * 0.66});
  }
}

void top_hat(const Hat& h) {
  const Colour cloth = h.c.palette.second.colour;
  h.brim(0.50, 1.38, cloth);
  h.take(cloth);
  h.clay.cone(h.at(0, 0.5, -0.06), h.w * 0.90, h.at(0, 1.62, -0.08), h.w * 0.96);
  h.take(h.c.palette.trim.colour);
  h.clay.cone(h.at(0, 0.54, -0.06), h.w * 0.925, h.at(0, 0.80, -0.07), h.w * 0.94);
}

void headband(const Hat& h) {
  h.take(h.c.palette.trim.colour);
  h.clay.cone(h.at(0, 0.40, -0.04), h.w * 1.11, h.at(0, 0.60, -0.06), h.w * 1.04);
  const double side = sign(opposite(h.c.hair_side));
  for (const double drop : {0.0, 0.5}) {
    h.clay.limb(h.at(side * 0.5, 0.46, -1.0), h.w * 0.12,
                h.at(side * (1.0 - drop * 0.8), -0.5 - drop, -1.35), h.w * 0.09);
  }
}

void straw_hat(const Hat& h) {
  h.take({236, 202, 128});
  h.clay.cone(h.at(0, 0.34, -0.05), h.w * 2.0, h.at(0, 1.36, -0.08), h.w * 0.10);
  h.take(h.c.palette.trim.colour);
  h.clay.cone(h.at(0, 0.94, -0.07), h.w * 0.93, h.at(0, 1.06, -0.07), h.w * 0.72);
}

// A ball that is cut open in front, with a rim around the window.
void round_helmet(const Hat& h, bool is_diving) {
  const Colour shell = is_diving ? h.c.palette.metal.colour : Colour{247, 248, 252};
  h.take(shell);
  const Vec3 middle = h.at(0, 0.02, -0.08);
  h.clay.dome(middle, {h.w * 1.38, h.d * 1.42, h.r * 1.30}, -1, along({0, 0.06, 1}), 0.52);
  h.take(is_diving ? lighter(shell, 0.35) : h.c.palette.trim.colour);
  const Vec3 rim = middle + Vec3{0, h.d * 0.05, h.d * 0.66};
  for (int i = 0; i < 24; ++i) {
    const double angle = 15.0 * i * kDegree, next = 15.0 * (i + 1) * kDegree;
    const auto on_rim = [&](double a) {
      return rim + Vec3{h.w * 1.14 * std::sin(a), h.r * 1.08 * std::cos(a), 0};
    };
    h.clay.limb(on_rim(angle), h.w * 0.12, on_rim(next), h.w * 0.12);
  }
  for (const double x : {-1.0, 1.0}) {
    h.take(is_diving ? lighter(shell, 0.35) : h.c.palette.trim.colour);
    h.clay.cone(h.at(x * 1.22, 0.02, -0.1), h.w * 0.34, h.at(x * 1.48, 0.02, -0.1), h.w * 0.26);
  }
  if (!is_diving) return;
  h.take(darker(shell, 0.9));
  h.clay.cone({0, h.s.shoulder_y - 0.012, 0}, h.w * 1.12, {0, h.s.neck_y + 0.02, 0}, h.w * 0.98);
}

void goggles(const Hat& h) {
  h.take(h.c.palette.leather.colour);
  h.clay.cone(h.at(0, 0.46, -0.04), h.w * 1.10, h.at(0, 0.62, -0.06), h.w * 1.04);
  for (const double x : {-0.40, 0.40}) {
    h.take(h.c.palette.metal.colour);
    h.clay.cone(h.at(x, 0.54, 0.80), h.w * 0.32, h.at(x, 0.56, 1.12), h.w * 0.30);
    h.take({150, 216, 232});
    h.clay.cone(h.at(x, 0.56, 1.10), h.w * 0.20, h.at(x, 0.56, 1.15), h.w * 0.19);
  }
}

}  // namespace

void build_headgear(const Character& c, const Skeleton& s, Sculptor& clay) {
  const Hat h{c, s, clay, s.head_w, s.head_r, s.head_d};
  switch (c.headgear) {
    case Headgear::none:
      break;
    case Headgear::witch_hat:
      pointed_hat(h, true);
      break;
    case Headgear::wizard_hat:
      pointed_hat(h, false);
      break;
    case Headgear::cap:
      cap(h);
      break;
    case Headgear::helmet:
      helmet(h, false);
      break;
    case Headgear::horned_helmet:
      helmet(h, true);
      break;
    case Headgear::hood:
      hood(h);
      break;
    case Headgear::crown:
      crown(h);
      break;
    case Headgear::antlers:
      antlers(h);
      break;
    case Headgear::toque:
      toque(h);
      break;
    case Headgear::top_hat:
      top_hat(h);
      break;
    case Headgear::headband:
      headband(h);
      break;
    case Headgear::straw_hat:
      straw_hat(h);
      break;
    case Headgear::diving_helmet:
      round_helmet(h, true);
      break;
    case Headgear::space_helmet:
      round_helmet(h, false);
      break;
    case Headgear::goggles:
      goggles(h);
      break;
  }
  if (!c.feather) return;
  clay.take(Part::headgear, c.palette.trim.colour == c.palette.hair.colour ? c.palette.second.colour
                                                                           : c.palette.trim.colour);
  const double side = sign(*c.feather);
  clay.limb(h.at(side * 0.98, 0.40, 0.1), h.w * 0.12, h.at(side * 1.30, 1.10, -0.1), h.w * 0.24);
  clay.limb(h.at(side * 1.30, 1.10, -0.1), h.w * 0.24, h.at(side * 1.55, 1.75, -0.4), h.w * 0.05);
}

}  // namespace pirouette::characters
