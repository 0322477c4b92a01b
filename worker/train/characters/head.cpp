// Heads: skulls, ears, muzzles, and the face painted on from the front.

#include <algorithm>
#include <cmath>

#include "worker/train/characters/skeleton.h"

namespace pirouette::characters {
namespace {

bool has_muzzle(Kind kind) {
  return kind == Kind::cat || kind == Kind::fox || kind == Kind::bear || kind == Kind::rabbit ||
         kind == Kind::lizard;
}

void ears(const Character& c, const Skeleton& s, Sculptor& clay) {
  const Colour skin = c.palette.skin.colour;
  const double w = s.head_w, r = s.head_r;
  const bool on_top =
      c.kind == Kind::cat || c.kind == Kind::fox || c.kind == Kind::bear || c.kind == Kind::rabbit;
  if (c.kind == Kind::robot || c.kind == Kind::lizard) return;
  const bool is_under_hair =
      c.hair == Hair::curls || c.hair == Hair::bob || c.hair == Hair::long_hair;
  if (c.kind == Kind::human && is_under_hair) return;
  const bool is_enclosed =
      c.headgear == Headgear::space_helmet || c.headgear == Headgear::diving_helmet;
  if (is_enclosed) return;
  if (on_top && covers_hair(c.headgear) && c.kind != Kind::rabbit) return;
  for (const Side side : kSides) {
    const double x = sign(side);
    clay.take(Part::head, skin);
    if (c.kind == Kind::cat || c.kind == Kind::fox) {
      const double tall = c.kind == Kind::fox ? 1.52 : 1.34;
      clay.cone(s.head + Vec3{x * w * 0.56, r * 0.62, 0}, w * 0.38,
                s.head + Vec3{x * w * 0.80, r * tall, 0}, w * 0.03, 0.45);
      clay.take(Part::head, {240, 170, 170});
      clay.cone(s.head + Vec3{x * w * 0.57, r * 0.66, w * 0.10}, w * 0.24,
                s.head + Vec3{x * w * 0.77, r * (tall - 0.16), w * 0.08}, w * 0.02, 0.4);
    } else if (c.kind == Kind::bear) {
      clay.ball(s.head + Vec3{x * w * 0.70, r * 0.74, 0}, {w * 0.34, w * 0.34, w * 0.18});
      clay.take(Part::head, lighter(skin, 0.5));
      clay.ball(s.head + Vec3{x * w * 0.70, r * 0.74, w * 0.09}, {w * 0.2, w * 0.2, w * 0.14});
    } else if (c.kind == Kind::rabbit) {
      const Vec3 at = s.head + Vec3{x * w * 0.40, r * 1.55, -w * 0.1};
      clay.ball(at, {w * 0.25, r * 0.82, w * 0.15}, turned(0, 0, -8 * x));
      clay.take(Part::head, {246, 178, 184});
      clay.ball(at + Vec3{0, 0, w * 0.07}, {w * 0.14, r * 0.62, w * 0.12}, turned(0, 0, -8 * x));
    } else if (c.kind == Kind::elf || c.kind == Kind::orc) {
      clay.limb(s.head + Vec3{x * w * 0.92, -r * 0.08, 0}, w * 0.18,
                s.head + Vec3{x * w * 1.58, r * 0.26, -w * 0.2}, w * 0.03);
    } else {
      clay.ball(s.head + Vec3{x * w * 0.98, -r * 0.08, -0.004}, {w * 0.15, r * 0.22, w * 0.2});
    }
  }
}

void muzzle(const Character& c, const Skeleton& s, Sculptor& clay) {
  const double w = s.head_w, r = s.head_r;
  const Colour pale = lighter(c.palette.skin.colour, 0.62);
  const double out = c.kind == Kind::fox ? 0.56 : c.kind == Kind::lizard ? 0.60 : 0.34;
  clay.take(Part::head, c.kind == Kind::lizard ? lighter(c.palette.skin.colour, 0.25) : pale);
  clay.ball(s.head + Vec3{0, -r * 0.42, s.head_d * 0.72},
            {w * (c.kind == Kind::lizard ? 0.56 : 0.46), r * 0.32, w * out});
  const Vec3 tip = s.head + Vec3{0, -r * 0.42, s.head_d * 0.72 + w * out};
  clay.mark(Mark::smile, kInk, tip + Vec3{0, -r * 0.06, 0}, w * 0.2, r * 0.16, Part::face, 0,
            false);
  clay.take(Part::face, c.kind == Kind::rabbit ? Colour{240, 140, 150} : kInk);
  if (c.kind == Kind::lizard) {
    for (const double x : {-0.2, 0.2}) {
      clay.ball(tip + Vec3{x * w, r * 0.13, -w * 0.06}, {w * 0.05, w * 0.05, w * 0.05});
    }
  } else {
    clay.ball(tip + Vec3{0, r * 0.13, -w * 0.04}, {w * 0.16, w * 0.11, w * 0.10});
  }
}

int robot_head(const Character& c, const Skeleton& s, Sculptor& clay) {
  const double w = s.head_w, r = s.head_r;
  const int group = clay.take(Part::head, c.palette.skin.colour);
  const bool is_boxy = c.hair == Hair::crop || c.hair == Hair::bob || c.hair == Hair::bun;
  if (is_boxy) {
    clay.box(s.head + Vec3{0, -r * 0.04, 0}, {w * 1.02, r * 0.82, s.head_d * 0.92});
  } else {
    clay.cone(s.head + Vec3{0, -r * 0.84, 0}, w * 0.98, s.head + Vec3{0, r * 0.1, 0}, w * 0.98);
    clay.dome(s.head + Vec3{0, r * 0.1, 0}, {w * 0.98, r * 0.82, w * 0.98}, 0);
  }
  for (const Side side : kSides) {
    clay.take(Part::head, c.palette.metal.colour);
    const double x = sign(side) * w;
    clay.cone(s.head + Vec3{x * 0.96, -r * 0.05, 0}, w * 0.28,
              s.head + Vec3{x * 1.14, -r * 0.05, 0}, w * 0.22);
  }
  if (!covers_hair(c.headgear)) {
    const Vec3 root = s.head + Vec3{sign(c.hair_side) * w * 0.5, r * 0.7, 0};
    clay.take(Part::head, c.palette.metal.colour);
    clay.limb(root, 0.009, root + Vec3{sign(c.hair_side) * 0.022, 0.080, 0}, 0.006);
    clay.take(Part::head, c.palette.trim.colour);
    const Vec3 top = root + Vec3{sign(c.hair_side) * 0.024, 0.094, 0};
    clay.ball(top, {0.020, 0.020, 0.020});
  }
  return group;
}

void robot_face(const Character& c, const Skeleton& s, int head, Sculptor& clay) {
  const double w = s.head_w, r = s.head_r;
  const Vec3 at = s.head + Vec3{0, -r * 0.02, 0};
  clay.mark_on(head, Mark::square, {52, 58, 78}, at, {}, w * 0.78, r * 0.50, Part::face);
  for (const double x : {-0.38, 0.38}) {
    const Vec3 eye = at + Vec3{x * w, r * 0.10, 0};
    const bool is_narrow = c.face.eyes == Eyes::narrow;
    const Mark shape = is_narrow ? Mark::square : Mark::disc;
    const double tall = is_narrow ? 0.10 : 0.22;
    clay.mark_on(head, shape, {255, 226, 110}, eye, {}, w * 0.23, r * tall, Part::face, false);
    if (is_narrow) continue;
    clay.mark_on(head, Mark::disc, kInk, eye, {}, w * 0.11, r * 0.11, Part::face, false);
    clay.mark_on(head, Mark::disc, {255, 255, 255}, eye + Vec3{-w * 0.05, r * 0.06, 0}, {},
                 w * 0.05, r * 0.05, Part::face, false);
  }
  clay.mark_on(head, c.face.mouth == Mouth::frown ? Mark::frown : Mark::smile, {120, 236, 210},
               at + Vec3{0, -r * 0.18, 0}, {}, w * 0.24, r * 0.16, Part::face, false);
}

// Painted from back to front: rim, white, iris, pupil, shine.
void eye(const Character& c, const Skeleton& s, int head, double x, Sculptor& clay) {
  const double w = s.head_w, r = s.head_r;
  const Vec3 at = s.head + Vec3{x * w * (has_muzzle(c.kind) ? 0.44 : 0.38), -r * 0.10, 0};
  const auto disc = [&](Colour colour, Vec3 from, double half_w, double half_h) {
    clay.mark_on(head, Mark::disc, colour, at + from, {}, w * half_w, r * half_h, Part::face,
                 false);
  };
  if (c.face.eyes == Eyes::dots) {
    disc(kInk, {}, 0.105, 0.15);
    disc({255, 255, 255}, {-w * 0.03, r * 0.05, 0}, 0.04, 0.05);
    return;
  }
  const double wide = c.face.eyes == Eyes::tall ? 0.19 : c.face.eyes == Eyes::round ? 0.205 : 0.21;
  const double tall = c.face.eyes == Eyes::tall ? 0.29 : c.face.eyes == Eyes::round ? 0.215 : 0.13;
  const double iris_w = c.face.eyes == Eyes::tall ? 0.135 : 0.13;
  const double iris_h = std::min(tall * 0.82, c.face.eyes == Eyes::tall ? 0.225 : 0.16);
  disc(kInk, {}, wide + 0.035, tall + 0.035);
  disc({255, 255, 255}, {0, -r * 0.014, 0}, wide, tall - 0.012);
  disc(darker(c.palette.eyes.colour, 0.7), {0, -r * 0.01, 0}, iris_w, iris_h);
  disc(c.palette.eyes.colour, {0, -r * 0.05, 0}, iris_w * 0.9, iris_h * 0.75);
  disc(kInk, {0, -r * 0.01, 0}, iris_w * 0.52, iris_h * 0.56);
  disc({255, 255, 255}, {-w * 0.045, iris_h * r * 0.42, 0}, 0.048, 0.062);
}

void mouth(const Character& c, const Skeleton& s, int head, Sculptor& clay) {
  const double w = s.head_w, r = s.head_r;
  const Vec3 at = s.head + Vec3{0, -r * 0.50, 0};
  const auto mark = [&](Mark shape, Colour colour, Vec3 from, double half_w, double half_h) {
    clay.mark_on(head, shape, colour, at + from, {}, w * half_w, r * half_h, Part::face, false);
  };
  const Colour lips = c.palette.skin.colour.g > 115 ? Colour{140, 62, 60} : Colour{62, 30, 36};
  switch (c.face.mouth) {
    case Mouth::smile:
      mark(Mark::smile, lips, {0, r * 0.06, 0}, 0.23, 0.17);
      break;
    case Mouth::grin:
      mark(Mark::disc, {128, 46, 54}, {}, 0.19, 0.12);
      mark(Mark::square, {255, 255, 255}, {0, r * 0.075, 0}, 0.13, 0.03);
      break;
    case Mouth::calm:
      mark(Mark::square, lips, {}, 0.12, 0.024);
      break;
    case Mouth::frown:
      mark(Mark::frown, lips, {0, -r * 0.06, 0}, 0.18, 0.14);
      break;
  }
  if (c.kind != Kind::orc) return;
  for (const double x : {-0.24, 0.24}) {
    mark(Mark::diamond, {255, 252, 236}, {x * w, r * 0.05, 0}, 0.10, 0.15);
  }
}

void beard(const Character& c, const Skeleton& s, Sculptor& clay) {
  const double w = s.head_w, r = s.head_r;
  if (c.face.beard == Beard::none) return;
  clay.take(Part::hair, darker(c.palette.hair.colour, 0.94));
  if (c.face.beard == Beard::full) {
    clay.ball(s.head + Vec3{0, -r * 0.80, s.head_d * 0.34}, {w * 0.78, r * 0.48, s.head_d * 0.60});
    clay.limb(s.head + Vec3{0, -r * 0.95, s.head_d * 0.58}, w * 0.40,
              s.head + Vec3{0, -r * 1.5, s.head_d * 0.62}, w * 0.06);
  }
  for (const double x : {-1.0, 1.0}) {
    clay.limb(s.head + Vec3{x * w * 0.10, -r * 0.36, s.head_d * 0.92}, w * 0.12,
              s.head + Vec3{x * w * 0.46, -r * 0.48, s.head_d * 0.80}, w * 0.05);
  }
}

}  // namespace

bool covers_hair(Headgear headgear) {
  switch (headgear) {
    case Headgear::none:
    case Headgear::crown:
    case Headgear::antlers:
    case Headgear::headband:
    case Headgear::goggles:
      return false;
    default:
      return true;
  }
}

int build_head(const Character& c, const Skeleton& s, Sculptor& clay) {
  if (c.kind == Kind::robot) return robot_head(c, s, clay);
  const double w = s.head_w, r = s.head_r, d = s.head_d;
  ears(c, s, clay);
  const int group = clay.take(Part::head, c.palette.skin.colour);
  clay.ball(s.head + Vec3{0, r * 0.08, 0}, {w, r * 0.92, d});
  const double jaw = c.kind == Kind::orc ? 0.92 : has_muzzle(c.kind) ? 0.94 : 0.84;
  clay.ball(s.head + Vec3{0, -r * 0.34, d * 0.05}, {w * jaw, r * 0.66, d * 0.88});
  if (has_muzzle(c.kind)) muzzle(c, s, clay);
  return group;
}

void build_face(const Character& c, const Skeleton& s, int head, Sculptor& clay) {
  if (c.kind == Kind::robot) return robot_face(c, s, head, clay);
  const double w = s.head_w, r = s.head_r;
  if (c.face.blush && !has_muzzle(c.kind)) {
    const Colour skin = c.palette.skin.colour;
    const Colour warm{skin.r, static_cast<std::uint8_t>(skin.g * 0.78),
                      static_cast<std::uint8_t>(skin.b * 0.78)};
    for (const double x : {-0.58, 0.58}) {
      clay.mark_on(head, Mark::disc, warm, s.head + Vec3{x * w, -r * 0.36, 0}, {}, w * 0.17,
                   r * 0.10, Part::face);
    }
  }
  for (const double x : {-1.0, 1.0}) {
    const bool is_covered = c.eye_patch && sign(*c.eye_patch) == x;
    if (is_covered) continue;
    eye(c, s, head, x, clay);
    const Colour brow = has_muzzle(c.kind) ? darker(c.palette.skin.colour, 0.6)
                                           : darker(c.palette.hair.colour, 0.7);
    clay.mark_on(head, Mark::square, brow, s.head + Vec3{x * w * 0.40, r * 0.27, 0},
                 turned(0, 0, c.face.brows_deg * x), w * 0.20, r * 0.042, Part::face);
  }
  if (c.face.freckles) {
    for (const double x : {-0.64, -0.52, -0.58, 0.64, 0.52, 0.58}) {
      const double y = std::abs(x) == 0.58 ? -0.41 : -0.33;
      clay.mark_on(head, Mark::disc, darker(c.palette.skin.colour, 0.72),
                   s.head + Vec3{x * w, r * y, 0}, {}, w * 0.032, r * 0.026, Part::face);
    }
  }
  if (!has_muzzle(c.kind)) {
    mouth(c, s, head, clay);
    clay.resume(head, Part::face, darker(c.palette.skin.colour, 0.95));
    const double nose = c.kind == Kind::orc ? 0.17 : 0.115;
    clay.ball(s.head + Vec3{0, -r * 0.26, s.head_d * 0.93}, {w * nose, r * nose, w * 0.15});
  }
  beard(c, s, clay);
  if (c.face.glasses) {
    for (const double x : {-0.4, 0.4}) {
      clay.mark_on(head, Mark::disc, darker(c.palette.metal.colour, 0.4),
                   s.head + Vec3{x * w, -r * 0.10, 0}, {}, w * 0.30, r * 0.30, Part::face);
    }
  }
}

}  // namespace pirouette::characters
