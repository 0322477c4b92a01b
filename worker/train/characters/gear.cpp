// What is carried: on an arm, in a hand, at the hip, over a shoulder. One side only, each of it.

#include <cmath>

#include "worker/train/characters/skeleton.h"

namespace pirouette::characters {
namespace {

// Carried on the forearm, facing outward and a little forward.
void shield(const Character& c, const Skeleton& s, Side side, Sculptor& clay) {
  const double x = sign(side);
  const Frame facing = turned(0, 38 * x, 0);
  const Vec3 grip = mix(s.elbow(side), s.wrist(side), 0.55) + facing.z * (s.arm_r * 1.5) +
                    Vec3{x * 0.028, 0, 0.014};
  const auto on_plate = [&](double across, double up, double out) {
    return grip + facing.x * across + facing.y * up + facing.z * out;
  };
  const Colour rim = c.palette.metal.colour, field = c.palette.second.colour;
  const Colour sign_colour = c.palette.trim.colour;
  const Frame plate{facing.x, facing.z, facing.y * -1};  // its axis points out of the plate
  clay.take(Part::shield, rim);
  if (c.shield_shape == Shield::tower) {
    clay.box(grip, {0.100, 0.165, 0.012}, facing);
    const int inner = clay.take(Part::shield, field);
    clay.box(on_plate(0, 0, 0.006), {0.086, 0.150, 0.010}, facing);
    clay.mark_on(inner, Mark::chevron, sign_colour, on_plate(0, 0.02, 0), facing, 0.070, 0.090,
                 Part::shield);
    return;
  }
  const double tall = c.shield_shape == Shield::kite ? 1.30 : 1;
  const double wide = c.shield_shape == Shield::kite ? 0.100 : 0.118;
  clay.dome(grip, {wide, 0.026, wide * tall}, -0.15, plate, 0.95);
  const int inner = clay.take(Part::shield, field);
  clay.dome(on_plate(0, 0, 0.006), {wide * 0.86, 0.026, wide * 0.86 * tall}, -0.1, plate);
  const Mark device = c.shield_shape == Shield::kite ? Mark::diamond : Mark::cross;
  clay.mark_on(inner, device, sign_colour, on_plate(0, 0, 0), facing, wide * 0.78,
               wide * 0.78 * tall, Part::shield);
  clay.take(Part::shield, rim);
  clay.ball(on_plate(0, 0, 0.028), {0.024, 0.024, 0.020}, facing);
}

void sword(const Character& c, const Skeleton& s, Side side, Sculptor& clay) {
  const double x = sign(side);
  const Vec3 hilt{x * (s.hip_w + 0.030), s.waist_y + 0.012, 0.045};
  const Vec3 tip{x * (s.hip_w + 0.075), s.hip_y * 0.42, -0.15};
  const Vec3 way = unit(tip - hilt);
  clay.take(Part::sword, c.palette.leather.colour);
  clay.limb(hilt, 0.020, tip, 0.012);
  clay.take(Part::sword, c.palette.metal.colour);
  clay.limb(hilt + Vec3{-0.036 * 0.5, 0, 0.03}, 0.011, hilt + Vec3{0.036 * 0.5, 0, -0.03}, 0.011);
  clay.limb(tip - way * 0.03, 0.016, tip, 0.014);
  clay.take(Part::sword, darker(c.palette.leather.colour, 0.7));
  clay.limb(hilt - way * 0.012, 0.011, hilt - way * 0.068, 0.010);
  clay.take(Part::sword, c.palette.metal.colour);
  clay.ball(hilt - way * 0.078, {0.016, 0.016, 0.016});
}

// A strap from the other shoulder, and a bag at the hip.
void satchel(const Character& c, const Skeleton& s, Side side, Sculptor& clay) {
  const double x = sign(side), deep = s.chest_w * (s.depth + 0.12) + 0.03 * c.proportions.belly;
  const Vec3 shoulder{-x * s.chest_w * 0.52, s.shoulder_y + 0.016, 0};
  const Vec3 hip{x * (s.hip_w * 1.12 + 0.012), s.hip_y + 0.03, 0};
  clay.take(Part::satchel, darker(c.palette.leather.colour, 0.8));
  for (const double z : {1.0, -1.0}) {
    Vec3 from = shoulder;
    constexpr int kLinks = 7;
    for (int i = 1; i <= kLinks; ++i) {
      const double t = static_cast<double>(i) / kLinks;
      Vec3 to = mix(shoulder, hip, t);
      to.z = z * deep * std::pow(std::sin(t * 180 * kDegree), 0.5);
      clay.limb(from, 0.010, to, 0.010);
      from = to;
    }
  }
  const Vec3 bag = hip + Vec3{x * 0.020, -0.055, 0.012};
  clay.take(Part::satchel, c.palette.leather.colour);
  clay.box(bag, {0.032, 0.052, 0.070});
  clay.take(Part::satchel, darker(c.palette.leather.colour, 0.86));
  clay.box(bag + Vec3{x * 0.004, 0.024, 0}, {0.034, 0.034, 0.074});
  clay.take(Part::satchel, c.palette.metal.colour);
  clay.ball(bag + Vec3{x * 0.038, -0.008, 0}, {0.008, 0.012, 0.012});
}

void pauldron(const Character& c, const Skeleton& s, Side side, Sculptor& clay) {
  const double round = s.arm_r * 2.1, x = sign(side);
  const Vec3 at = s.shoulder(side) + Vec3{x * 0.006, 0.010, 0};
  clay.take(Part::pauldron, darker(c.palette.metal.colour, 0.84));
  clay.dome(at + Vec3{x * 0.012, -0.024, 0}, {round * 0.92, round * 0.9, round * 0.95}, -0.3,
            turned(0, 0, -30 * x));
  clay.take(Part::pauldron, c.palette.metal.colour);
  clay.dome(at, {round, round, round * 1.04}, -0.1, turned(0, 0, -30 * x));
}

void staff(const Character& c, const Skeleton& s, Side side, Sculptor& clay) {
  const double x = sign(side);
  const Vec3 hand = s.hand(side) + Vec3{x * 0.004, 0, s.hand_r * 0.75};
  const auto at = [&](double y) { return Vec3{hand.x, y, hand.z}; };
  const Colour wood{172, 120, 76};
  clay.take(Part::staff, wood);
  switch (c.staff_kind) {
    case Staff::staff:
      clay.limb(at(0.02), 0.013, at(1.02), 0.015);
      clay.take(Part::staff, c.palette.metal.colour);
      clay.cone(at(0.99), 0.018, at(1.05), 0.034);
      clay.take(Part::staff, c.palette.trim.colour);
      clay.ball(at(1.085), {0.042, 0.046, 0.042});
      break;
    case Staff::spear:
      clay.limb(at(0.02), 0.011, at(1.10), 0.011);
      clay.take(Part::staff, c.palette.trim.colour);
      clay.cone(at(1.03), 0.016, at(1.07), 0.020);
      clay.take(Part::staff, c.palette.metal.colour);
      clay.cone(at(1.07), 0.034, at(1.24), 0.002, 0.4);
      break;
    case Staff::broom:
      clay.limb(at(0.16), 0.012, at(0.86), 0.012);
      clay.take(Part::staff, {232, 192, 108});
      clay.cone(at(0.0), 0.078, at(0.19), 0.024, 0.7);
      clay.take(Part::staff, c.palette.trim.colour);
      clay.cone(at(0.165), 0.034, at(0.195), 0.026, 0.75);
      break;
    case Staff::wand:
      clay.limb(hand + Vec3{0, -0.02, 0}, 0.011, hand + Vec3{x * 0.02, 0.15, 0.05}, 0.007);
      clay.take(Part::staff, c.palette.trim.colour);
      clay.ball(hand + Vec3{x * 0.022, 0.165, 0.054}, {0.022, 0.022, 0.022});
      break;
    case Staff::ladle:
      clay.limb(hand + Vec3{0, -0.05, 0}, 0.010, hand + Vec3{0, 0.22, 0}, 0.010);
      clay.take(Part::staff, darker(wood, 0.85));
      clay.ball(hand + Vec3{0, 0.25, 0.012}, {0.046, 0.040, 0.046});
      break;
    case Staff::hammer:
      clay.limb(at(0.10), 0.014, at(0.80), 0.014);
      clay.take(Part::staff, darker(c.palette.metal.colour, 0.8));
      clay.cone(at(0.78) + Vec3{0, 0, -0.09}, 0.056, at(0.78) + Vec3{0, 0, 0.09}, 0.056);
      break;
  }
}

void eye_patch(const Character& c, const Skeleton& s, Side side, Sculptor& clay) {
  const double x = sign(side), w = s.head_w, r = s.head_r;
  const Colour black{58, 54, 66};
  clay.take(Part::eye_patch, black);
  const double out = c.kind == Kind::robot ? 1.0 : 0.84;
  clay.ball(s.head + Vec3{x * w * 0.40, -r * 0.08, s.head_d * out}, {w * 0.27, r * 0.27, w * 0.12},
            turned(6, 22 * x, 0));
}

// An air hose from the helmet's side around to the back.
void hose(const Character& c, const Skeleton& s, Side side, Sculptor& clay) {
  const double x = sign(side), w = s.head_w, r = s.head_r;
  clay.take(Part::hose, c.palette.trim.colour);
  const Vec3 from = s.head + Vec3{x * w * 1.35, r * 0.3, -w * 0.3};
  const Vec3 bend = s.head + Vec3{x * w * 2.05, -r * 0.4, -w * 0.55};
  const Vec3 to{x * (s.shoulder_w * 0.6), s.chest_y - 0.05, -s.chest_w * 1.1};
  clay.limb(from, 0.020, bend, 0.020);
  clay.limb(bend, 0.020, mix(bend, to, 0.55) + Vec3{x * 0.035, -0.03, 0}, 0.020);
  clay.limb(mix(bend, to, 0.55) + Vec3{x * 0.035, -0.03, 0}, 0.020, to, 0.020);
}

}  // namespace

void build_gear(const Character& c, const Skeleton& s, Sculptor& clay) {
  if (c.shield) shield(c, s, *c.shield, clay);
  if (c.sword) sword(c, s, *c.sword, clay);
  if (c.satchel) satchel(c, s, *c.satchel, clay);
  if (c.pauldron) pauldron(c, s, *c.pauldron, clay);
  if (c.staff) staff(c, s, *c.staff, clay);
  if (c.eye_patch) eye_patch(c, s, *c.eye_patch, clay);
  if (c.hose) hose(c, s, *c.hose, clay);
}

}  // namespace pirouette::characters
