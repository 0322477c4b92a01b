// Trunk, arms and legs in the colours of what is worn over them.

#include <algorithm>

#include "worker/train/characters/skeleton.h"

namespace pirouette::characters {
namespace {

bool is_furry(Kind kind) {
  return kind == Kind::cat || kind == Kind::fox || kind == Kind::bear || kind == Kind::rabbit;
}

Colour torso_colour(const Character& c) {
  const Palette& p = c.palette;
  if (c.top == Top::armour) return p.metal.colour;
  if (c.top == Top::overalls) return p.second.colour;
  return p.main.colour;
}

Colour sleeve_colour(const Character& c) {
  if (c.top == Top::armour) return c.palette.second.colour;
  if (c.top == Top::overalls) return c.palette.second.colour;
  return c.palette.main.colour;
}

Colour leg_colour(const Character& c) {
  const Palette& p = c.palette;
  if (c.top == Top::padded_suit || c.top == Top::overalls) return p.main.colour;
  if (c.top == Top::armour) return p.trim.colour;
  if (c.bottom == Bottom::trousers) return c.top == Top::jacket ? p.trim.colour : p.second.colour;
  return p.skin.colour;
}

// In the legs' clay where both have one colour.
int build_trunk(const Character& c, const Skeleton& s, int legs, Sculptor& clay) {
  const bool is_one_piece = torso_colour(c) == leg_colour(c);
  const int group = is_one_piece ? legs : clay.take(Part::torso, torso_colour(c));
  clay.resume(group, Part::torso, torso_colour(c));
  clay.cone({0, s.hip_y + 0.012, 0}, s.hip_w * 1.04, {0, s.waist_y, 0}, s.waist_w, s.depth);
  clay.cone({0, s.waist_y, 0}, s.waist_w, {0, s.chest_y, 0}, s.chest_w, s.depth);
  clay.dome({0, s.chest_y, 0}, {s.chest_w, s.shoulder_y - s.chest_y + 0.022, s.chest_w * s.depth},
            0);
  if (c.proportions.belly > 0.15) {
    const double round = c.proportions.belly;
    clay.ball({0, s.waist_y + 0.02, 0.016 * round},
              {s.waist_w * 1.06, s.torso * 0.46, s.waist_w * (s.depth + 0.24 * round)});
  }
  return group;
}

void build_arm(const Character& c, const Skeleton& s, Side side, Sculptor& clay) {
  const Part part = side == Side::left ? Part::left_arm : Part::right_arm;
  const Vec3 shoulder = s.shoulder(side), elbow = s.elbow(side), wrist = s.wrist(side);
  const bool is_puffed = c.top == Top::padded_suit;
  const double thick = s.arm_r * (is_puffed ? 1.3 : 1);
  const bool has_skin_arm = c.short_sleeves && c.top != Top::armour && !is_puffed;
  const int group = clay.take(part, has_skin_arm ? c.palette.skin.colour : sleeve_colour(c));
  clay.limb(shoulder, thick * 1.12, elbow, thick);
  if (c.top == Top::robe) {
    clay.cone(elbow, thick * 1.0, wrist, thick * 1.75);
  } else {
    clay.limb(elbow, thick, wrist, thick * 0.86);
  }
  if (has_skin_arm) {
    clay.take(part, sleeve_colour(c));
    clay.limb(shoulder, thick * 1.3, mix(shoulder, elbow, 0.62), thick * 1.26);
  }
  if (c.top == Top::sweater) {
    const Vec3 way = unit(wrist - shoulder);
    clay.mark_on(group, Mark::bands, c.palette.second.colour, shoulder,
                 {cross(way, {0, 0, 1}), way, {0, 0, 1}}, 1, s.torso * 0.13);
    clay.mark_on(group, Mark::bands, c.palette.second.colour, shoulder,
                 {cross(way, {0, 0, -1}), way, {0, 0, -1}}, 1, s.torso * 0.13);
  }
  if (c.armband == side) {
    clay.take(Part::armband, c.palette.trim.colour);
    const Vec3 at = mix(shoulder, elbow, 0.55), way = unit(elbow - shoulder);
    clay.cone(at - way * 0.017, thick * 1.32, at + way * 0.017, thick * 1.32);
  }
}

void build_hand(const Character& c, const Skeleton& s, Side side, Sculptor& clay) {
  const Part part = side == Side::left ? Part::left_arm : Part::right_arm;
  const Vec3 hand = s.hand(side), wrist = s.wrist(side), elbow = s.elbow(side);
  const Vec3 way = unit(wrist - elbow);
  if (c.claw == side) {
    clay.take(Part::claw, c.palette.metal.colour);
    clay.cone(wrist - way * 0.01, s.arm_r * 1.15, wrist + way * 0.02, s.arm_r * 1.15);
    for (const double turn : {-1.0, 1.0}) {
      const Vec3 out = hand + Vec3{turn * s.hand_r * 0.95, 0, 0};
      clay.limb(wrist + way * 0.02, s.hand_r * 0.42, out, s.hand_r * 0.40);
      clay.limb(out, s.hand_r * 0.40, hand + way * (s.hand_r * 1.5) + Vec3{turn * 0.008, 0, 0},
                s.hand_r * 0.2);
    }
    return;
  }
  const bool is_padded = c.top == Top::padded_suit;
  const bool is_gloved = c.gloves || is_padded;
  const Colour glove = c.top == Top::armour ? c.palette.metal.colour : c.palette.leather.colour;
  clay.take(part, is_gloved ? glove : c.palette.skin.colour);
  clay.ball(hand, {s.hand_r * 0.86, s.hand_r * 1.08, s.hand_r}, along(way * -1));
  clay.limb(hand + Vec3{0, s.hand_r * 0.3, s.hand_r * 0.5}, s.hand_r * 0.4,
            hand + Vec3{sign(side) * -s.hand_r * 0.35, -s.hand_r * 0.25, s.hand_r * 1.05},
            s.hand_r * 0.34);
  if (is_gloved) {
    clay.take(part, is_padded ? c.palette.trim.colour : darker(glove, 0.88));
    clay.cone(wrist - way * 0.045, s.arm_r * 1.5, wrist - way * 0.002, s.arm_r * 1.12);
  }
}

void build_leg(const Character& c, const Skeleton& s, Side side, int group, int shorts,
               Sculptor& clay) {
  const Part part = side == Side::left ? Part::left_leg : Part::right_leg;
  const Vec3 hip = s.hip(side), knee = s.knee(side), ankle = s.ankle(side);
  const double thick = s.leg_r * (c.top == Top::padded_suit ? 1.18 : 1);
  clay.resume(group, part, leg_colour(c));
  // Under a skirt only what it does not hide, or hips would show through.
  if (is_skirted(c)) {
    clay.limb(mix(hip, knee, 0.42), thick * 1.04, knee, thick);
  } else {
    clay.limb(hip, thick * 1.22, knee, thick);
  }
  clay.limb(knee, thick, ankle, thick * 0.86);
  if (c.striped_legs) {
    clay.mark_on(group, Mark::bands, c.palette.trim.colour, ankle, {}, 1, 0.034);
    clay.mark_on(group, Mark::bands, c.palette.trim.colour, ankle, turned(0, 180, 0), 1, 0.034);
  }
  if (!is_skirted(c) && c.bottom == Bottom::shorts && leg_colour(c) == c.palette.skin.colour) {
    clay.resume(shorts, part, c.palette.second.colour);
    clay.cone(mix(hip, knee, 0.8), thick * 1.36, hip + Vec3{0, 0.01, 0}, thick * 1.3);
  }
  if (c.top == Top::armour) {
    clay.take(part, c.palette.metal.colour);
    clay.ball(knee + Vec3{0, 0, thick * 0.45}, {thick * 0.85, thick * 0.95, thick * 0.8});
  }
}

void build_foot(const Character& c, const Skeleton& s, Side side, Sculptor& clay) {
  const Part part = side == Side::left ? Part::left_leg : Part::right_leg;
  const Vec3 ankle = s.ankle(side), knee = s.knee(side);
  const bool is_bare = c.feet == Feet::bare;
  const Colour boot = c.top == Top::armour ? c.palette.metal.colour : c.palette.leather.colour;
  const double wide = 0.040 + 0.016 * c.proportions.limbs * (is_bare ? 0.8 : 0.9);
  clay.take(part, is_bare ? c.palette.skin.colour : boot);
  const Frame outward = turned(0, 9 * sign(side), 0);
  // Cut below the middle, so that soles are flat on the ground.
  clay.dome({ankle.x + 0.004 * sign(side), 0.022, 0.030}, {wide * 0.86, 0.044, wide * 1.62}, -0.5,
            outward);
  if (is_bare) return;
  const double thick = s.leg_r * 0.98;
  if (c.feet == Feet::boots) {
    const Vec3 top = mix(ankle, knee, 0.62);
    clay.cone({ankle.x, 0.03, ankle.z}, thick * 1.04, top, thick * 1.26);
    clay.take(part, darker(boot, 0.84));
    clay.cone(top - Vec3{0, 0.022, 0}, thick * 1.38, top + Vec3{0, 0.006, 0}, thick * 1.38);
  }
  clay.take(part, darker(boot, 0.6));
  clay.dome({ankle.x + 0.004 * sign(side), 0.010, 0.030}, {wide * 0.93, 0.020, wide * 1.68}, -0.5,
            outward, 0.3);
}

void build_tail(const Character& c, const Skeleton& s, Sculptor& clay) {
  const Vec3 root{0, s.hip_y + 0.02, -s.hip_w * s.depth};
  clay.take(Part::tail, c.palette.skin.colour);
  if (c.kind == Kind::rabbit || c.kind == Kind::bear) {
    const double round = c.kind == Kind::rabbit ? 0.038 : 0.026;
    clay.ball(root + Vec3{0, 0, -round * 0.6}, {round, round, round});
  } else if (c.kind == Kind::lizard) {
    const Vec3 bend{0, 0.12, -0.16}, tip{0.03, 0.05, -0.30};
    clay.limb(root, 0.05, bend, 0.036);
    clay.limb(bend, 0.036, tip, 0.010);
  } else if (c.kind == Kind::fox) {
    const Vec3 bend = root + Vec3{0.02, -0.03, -0.13};
    clay.limb(root, 0.024, bend, 0.056);
    clay.limb(bend, 0.056, bend + Vec3{0.01, 0.10, -0.05}, 0.045);
    clay.take(Part::tail, lighter(c.palette.skin.colour, 0.8));
    clay.limb(bend + Vec3{0.01, 0.11, -0.055}, 0.044, bend + Vec3{0.01, 0.18, -0.06}, 0.008);
  } else {
    const Vec3 bend = root + Vec3{0.03, -0.06, -0.12};
    clay.limb(root, 0.018, bend, 0.018);
    clay.limb(bend, 0.018, bend + Vec3{0.02, 0.15, -0.05}, 0.016);
  }
}

}  // namespace

Groups build_figure(const Character& c, const Skeleton& s, Sculptor& clay) {
  Groups groups;
  if (is_furry(c.kind) || c.kind == Kind::lizard) build_tail(c, s, clay);
  // Both legs and the seat between them are one piece of cloth.
  const bool is_bare = leg_colour(c) == c.palette.skin.colour;
  const int legs = clay.take(Part::torso, leg_colour(c));
  const int seat = is_bare ? clay.take(Part::torso, c.palette.second.colour) : legs;
  if (!is_skirted(c)) {
    clay.ball({0, s.hip_y + 0.008, 0}, {s.hip_w * 0.99, 0.046, s.hip_w * s.depth * 1.02});
  }
  for (const Side side : kSides) {
    build_leg(c, s, side, legs, seat, clay);
    build_foot(c, s, side, clay);
  }
  groups.torso = build_trunk(c, s, legs, clay);
  clay.take(Part::head, c.palette.skin.colour);
  clay.cone({0, s.shoulder_y - 0.01, 0}, s.head_w * 0.36, {0, s.neck_y + 0.02, 0}, s.head_w * 0.32);
  for (const Side side : kSides) {
    build_arm(c, s, side, clay);
    build_hand(c, s, side, clay);
  }
  return groups;
}

}  // namespace pirouette::characters
