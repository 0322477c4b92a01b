// What is worn on the trunk: skirts, plates, belts, buttons, the emblem on the chest.

#include <algorithm>

#include "worker/train/characters/skeleton.h"

namespace pirouette::characters {
namespace {

Mark mark_of(Emblem emblem) {
  switch (emblem) {
    case Emblem::star:
      return Mark::star;
    case Emblem::cross:
      return Mark::cross;
    case Emblem::heart:
      return Mark::heart;
    case Emblem::diamond:
      return Mark::diamond;
    case Emblem::bolt:
      return Mark::bolt;
    case Emblem::moon:
      return Mark::moon;
    case Emblem::chevron:
      return Mark::chevron;
    default:
      return Mark::disc;
  }
}

// A skirt in the top's clay, with a hem of another colour.
void skirt(const Character& c, const Skeleton& s, int group, Colour cloth, double bottom_y,
           double flare, Sculptor& clay) {
  const double top_y = s.waist_y - 0.01, wide = std::max(s.hip_w, s.waist_w) * flare;
  const double depth = std::min(0.92, s.depth + 0.16);
  if (group >= 0) clay.resume(group, Part::torso, cloth);
  if (group < 0) clay.take(Part::torso, cloth);
  clay.bell({0, top_y, 0}, s.waist_w * 1.02, top_y - bottom_y, wide, depth, 0.05);
  clay.take(Part::torso, c.palette.trim.colour);
  clay.cone({0, bottom_y - 0.006, 0}, wide * 1.015, {0, bottom_y + 0.014, 0}, wide * 1.005, depth);
}

void belt(const Character& c, const Skeleton& s, Sculptor& clay) {
  const double belly = c.proportions.belly;
  const double wide = s.waist_w * (1.07 + 0.04 * belly), deep = s.depth + 0.05 + 0.24 * belly;
  const double y = s.waist_y - 0.012;
  clay.take(Part::torso, c.palette.leather.colour);
  clay.cone({0, y - 0.014, 0.012 * belly}, wide, {0, y + 0.014, 0.012 * belly}, wide, deep);
  clay.take(Part::torso, c.palette.metal.colour);
  clay.box({0, y, wide * deep + 0.012 * belly}, {0.020, 0.017, 0.006});
}

// Open in front over a shirt, with a collar that falls into lapels.
void jacket(const Character& c, const Skeleton& s, int torso, Sculptor& clay) {
  clay.resume(torso, Part::torso, c.palette.main.colour);
  const double hem = s.hip_y - 0.10 * s.hip_y;
  clay.bell({0, s.waist_y, 0}, s.waist_w * 1.03, s.waist_y - hem, s.hip_w * 1.22, 0.78, 0);
  const double middle = (s.shoulder_y + hem) / 2, half = (s.shoulder_y - hem) / 2 + 0.05;
  clay.mark_on(torso, Mark::square, c.palette.second.colour, {0, middle, 0}, {}, s.chest_w * 0.30,
               half);
  for (const Side side : kSides) {
    const double lapel = (s.shoulder_y - s.chest_y + 0.06) / 2;
    clay.mark_on(torso, Mark::square, c.palette.trim.colour,
                 {sign(side) * s.chest_w * 0.37, s.shoulder_y - lapel + 0.02, 0},
                 turned(0, 0, -7 * sign(side)), s.chest_w * 0.12, lapel);
  }
  for (int i = 0; i < 2; ++i) {
    clay.mark_on(torso, Mark::disc, c.palette.metal.colour,
                 {-s.chest_w * 0.42, s.waist_y + 0.03 - 0.045 * i, 0}, {}, 0.009, 0.009);
  }
}

void armour(const Character& c, const Skeleton& s, int torso, Sculptor& clay) {
  const Colour metal = c.palette.metal.colour;
  clay.resume(torso, Part::torso, metal);
  clay.ball({0, s.chest_y - 0.01, 0.006},
            {s.chest_w * 1.04, s.torso * 0.42, s.chest_w * (s.depth + 0.08)});
  const int cloth = clay.take(Part::torso, c.palette.main.colour);
  clay.bell({0, s.waist_y - 0.01, 0}, s.waist_w * 1.04, s.torso * 0.62 + 0.02, s.hip_w * 1.26, 0.8,
            0);
  clay.mark_on(cloth, Mark::bands, darker(c.palette.main.colour, 0.82), {0, s.hip_y, 0},
               {{0, 1, 0}, {-1, 0, 0}, {0, 0, 1}}, 1, s.hip_w * 0.36);
  clay.mark_on(cloth, Mark::bands, darker(c.palette.main.colour, 0.82), {0, s.hip_y, 0},
               {{0, -1, 0}, {-1, 0, 0}, {0, 0, -1}}, 1, s.hip_w * 0.36);
  clay.take(Part::torso, darker(metal, 0.9));
  clay.cone({0, s.shoulder_y + 0.004, 0}, s.head_w * 0.62, {0, s.shoulder_y + 0.034, 0},
            s.head_w * 0.50);
  for (const Side side : kSides) {
    if (c.pauldron && *c.pauldron != side) continue;
    clay.take(side == Side::left ? Part::left_arm : Part::right_arm, metal);
    const double round = s.arm_r * 1.75;
    clay.dome(s.shoulder(side) + Vec3{sign(side) * 0.004, 0.008, 0}, {round, round * 0.95, round},
              -0.35, turned(0, 0, -24 * sign(side)));
  }
}

void padded_suit(const Character& c, const Skeleton& s, Sculptor& clay) {
  clay.take(Part::torso, darker(c.palette.metal.colour, 0.95));
  clay.cone({0, s.shoulder_y, 0}, s.head_w * 0.78, {0, s.shoulder_y + 0.028, 0}, s.head_w * 0.74);
  clay.take(Part::torso, c.palette.second.colour);
  clay.box({0, s.chest_y - 0.014, s.chest_w * s.depth}, {s.chest_w * 0.46, s.torso * 0.14, 0.022});
  for (int i = 0; i < 3; ++i) {
    const Colour light = i == 0 ? c.palette.trim.colour : i == 1 ? Colour{120, 220, 150} : kInk;
    clay.mark(Mark::disc, light, {(i - 1) * s.chest_w * 0.26, s.chest_y - 0.014, 0}, 0.011, 0.011);
  }
  for (const Side side : kSides) {
    clay.take(side == Side::left ? Part::left_leg : Part::right_leg, c.palette.trim.colour);
    const Vec3 knee = s.knee(side);
    clay.cone(knee - Vec3{0, 0.034, 0}, s.leg_r * 1.24, knee - Vec3{0, 0.012, 0}, s.leg_r * 1.25);
  }
}

void overalls(const Character& c, const Skeleton& s, int torso, Sculptor& clay) {
  const Colour cloth = c.palette.main.colour;
  clay.resume(torso, Part::torso, c.palette.second.colour);
  for (const bool is_front : {true, false}) {
    const Frame frame = turned(0, is_front ? 0 : 180, 0);
    clay.mark_on(torso, Mark::square, cloth, {0, s.waist_y - s.torso * 0.2, 0}, frame,
                 s.chest_w * 2, s.torso * 0.26);
    clay.mark_on(torso, Mark::square, cloth, {0, s.waist_y + s.torso * 0.16, 0}, frame,
                 s.chest_w * 0.58, s.torso * 0.22);
    for (const double x : {-0.5, 0.5}) {
      clay.mark_on(torso, Mark::square, cloth, {x * s.chest_w, s.shoulder_y, 0}, frame,
                   s.chest_w * 0.11, s.torso * 0.42);
    }
  }
  clay.take(Part::torso, c.palette.metal.colour);
  for (const double x : {-0.5, 0.5}) {
    clay.ball({x * s.chest_w, s.chest_y - 0.004, s.chest_w * s.depth * 0.9}, {0.012, 0.012, 0.010});
  }
}

void buttons(const Character& c, const Skeleton& s, int torso, Sculptor& clay) {
  for (int i = 0; i < 3; ++i) {
    clay.mark_on(torso, Mark::disc, c.palette.metal.colour,
                 {0, s.chest_y + 0.01 - i * s.torso * 0.19, 0}, {}, 0.010, 0.010);
  }
}

void stripes(const Character& c, const Skeleton& s, int torso, Sculptor& clay) {
  for (const double turn : {0.0, 180.0}) {
    clay.mark_on(torso, Mark::bands, c.palette.second.colour, {0, s.hip_y, 0}, turned(0, turn, 0),
                 1, s.torso * 0.13);
  }
}

// The front of a robe: a broad band with trimmed edges.
void robe_front(const Character& c, const Skeleton& s, int torso, Sculptor& clay) {
  const double middle = (s.shoulder_y + 0.05) / 2;
  clay.mark_on(torso, Mark::square, c.palette.trim.colour, {0, middle, 0}, {}, 0.034,
               middle + 0.02);
  clay.mark_on(torso, Mark::square, c.palette.second.colour, {0, middle, 0}, {}, 0.024,
               middle + 0.02);
}

void emblem(const Character& c, const Skeleton& s, int torso, Sculptor& clay) {
  const Vec3 at{0, s.chest_y - s.torso * 0.04, 0};
  const double size = std::min(s.chest_w * 0.56, s.torso * 0.3);
  const Colour colour = c.palette.trim.colour;
  clay.mark_on(torso, mark_of(c.emblem), darker(colour, 0.42), at, {}, size * 1.16, size * 1.16,
               Part::emblem);
  clay.mark_on(torso, mark_of(c.emblem), colour, at, {}, size * 0.92, size * 0.92, Part::emblem);
}

void scarf(const Character& c, const Skeleton& s, Sculptor& clay) {
  clay.take(Part::torso, c.palette.trim.colour);
  clay.ball({0, s.shoulder_y + 0.022, 0.004}, {s.head_w * 0.66, 0.030, s.head_w * 0.60});
  const double x = sign(c.hair_side) * s.head_w * 0.3;
  clay.limb({x, s.shoulder_y + 0.012, s.chest_w * 0.5}, 0.020,
            {x * 1.2, s.chest_y - 0.05, s.chest_w * 0.74}, 0.024);
}

}  // namespace

bool is_skirted(const Character& c) {
  switch (c.top) {
    case Top::tunic:
    case Top::robe:
    case Top::dress:
    case Top::armour:
      return true;
    case Top::shirt:
    case Top::sweater:
      return c.bottom == Bottom::skirt;
    default:
      return false;
  }
}

void build_outfit(const Character& c, const Skeleton& s, const Groups& groups, Sculptor& clay) {
  const Colour main = c.palette.main.colour;
  const int chest = groups.torso;
  switch (c.top) {
    case Top::tunic:
      skirt(c, s, chest, main, s.hip_y - s.hip_y * 0.24, 1.28, clay);
      break;
    case Top::robe:
      skirt(c, s, chest, main, 0.075, 1.62, clay);
      robe_front(c, s, chest, clay);
      break;
    case Top::dress:
      skirt(c, s, chest, main, s.hip_y * 0.50, 1.9, clay);
      break;
    case Top::jacket:
      jacket(c, s, chest, clay);
      break;
    case Top::armour:
      armour(c, s, chest, clay);
      break;
    case Top::padded_suit:
      padded_suit(c, s, clay);
      break;
    case Top::overalls:
      overalls(c, s, chest, clay);
      break;
    case Top::sweater:
      stripes(c, s, chest, clay);
      break;
    case Top::shirt:
      buttons(c, s, chest, clay);
      break;
  }
  const bool is_plain = c.top == Top::shirt || c.top == Top::sweater;
  if (c.bottom == Bottom::skirt && is_plain) {
    skirt(c, s, -1, c.palette.second.colour, s.hip_y * 0.62, 1.55, clay);
  }
  if (c.belt) belt(c, s, clay);
  if (c.emblem != Emblem::none) emblem(c, s, chest, clay);
  if (c.scarf) scarf(c, s, clay);
}

}  // namespace pirouette::characters
