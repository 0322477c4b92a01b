// See skeleton.h. The numbers are an illustrator's: tried on contact sheets.

#include "worker/train/characters/skeleton.h"

#include <algorithm>
#include <cmath>

#include "worker/train/characters/render.h"

namespace pirouette::characters {

Skeleton::Skeleton(const Character& character) {
  const Proportions& p = character.proportions;
  const double below = 1 - p.head;
  head_r = p.head / 2;
  head_w = head_r * 0.94;
  head_d = head_r * 0.92;
  head = {0, 1 - head_r, 0.008};
  neck_y = below + 0.01;
  shoulder_y = below * 0.935;
  shoulder_w = 0.098 * p.shoulders;
  hip_y = below * p.legs;
  hip_w = 0.086 * p.hips;
  torso = shoulder_y - hip_y;
  chest_y = shoulder_y - 0.22 * torso;
  chest_w = shoulder_w * 1.02;
  waist_y = hip_y + 0.34 * torso;
  waist_w = std::min(chest_w, hip_w) * 0.88 + 0.05 * p.belly;
  leg_r = 0.043 * p.limbs;
  arm_r = 0.034 * p.limbs;
  hand_r = 0.030 + 0.006 * p.limbs + 0.05 * (p.head - 0.2);
  arm_length_ = 0.45 * below;
  arm_angle_deg_ = p.arm_angle_deg;
}

Vec3 Skeleton::arm_way(Side side) const {
  return {sign(side) * std::sin(arm_angle_deg_ * kDegree), -std::cos(arm_angle_deg_ * kDegree), 0};
}

Vec3 Skeleton::shoulder(Side side) const {
  return {sign(side) * (shoulder_w + arm_r * 0.25), shoulder_y - arm_r * 0.6, 0};
}
Vec3 Skeleton::elbow(Side side) const {
  return shoulder(side) + arm_way(side) * (arm_length_ * 0.5) + Vec3{0, 0, -0.008};
}
Vec3 Skeleton::wrist(Side side) const {
  return shoulder(side) + arm_way(side) * (arm_length_ * 0.96) + Vec3{0, 0, 0.022};
}
Vec3 Skeleton::hand(Side side) const {
  return wrist(side) + arm_way(side) * (hand_r * 0.8) + Vec3{0, 0, 0.006};
}
Vec3 Skeleton::hip(Side side) const { return {sign(side) * hip_w * 0.54, hip_y + 0.01, 0}; }
Vec3 Skeleton::knee(Side side) const {
  return mix(hip(side), ankle(side), 0.52) + Vec3{0, 0, 0.008};
}
Vec3 Skeleton::ankle(Side side) const {
  return {sign(side) * (std::max(hip_w * 0.56, leg_r * 1.12) + 0.004), 0.06, -0.004};
}

Colour darker(Colour c, double share) {
  const auto channel = [&](std::uint8_t value) {
    return static_cast<std::uint8_t>(std::lround(value * share));
  };
  return {channel(c.r), channel(c.g), channel(c.b)};
}

Colour lighter(Colour c, double share) {
  const auto channel = [&](std::uint8_t value) {
    return static_cast<std::uint8_t>(std::lround(value + (255 - value) * share));
  };
  return {channel(c.r), channel(c.g), channel(c.b)};
}

Body build(const Character& character) {
  const Skeleton skeleton(character);
  Body body;
  Sculptor clay(body);
  const Groups groups = build_figure(character, skeleton, clay);
  build_outfit(character, skeleton, groups, clay);
  const int head = build_head(character, skeleton, clay);
  build_face(character, skeleton, head, clay);
  build_hair(character, skeleton, clay);
  build_headgear(character, skeleton, clay);
  build_gear(character, skeleton, clay);
  build_back(character, skeleton, clay);
  measure(body);
  return body;
}

}  // namespace pirouette::characters
