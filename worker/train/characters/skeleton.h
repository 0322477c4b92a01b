#pragma once
// Where a character's joints are, derived from its proportions; what the parts of a body share
// while it is built. Internal to this folder.

#include "worker/train/characters/character.h"
#include "worker/train/characters/sculptor.h"

namespace pirouette::characters {

struct Skeleton {
  explicit Skeleton(const Character& character);

  Vec3 head;                      // its middle
  double head_w, head_r, head_d;  // half its width, height and depth
  double neck_y, shoulder_y, shoulder_w;
  double chest_y, chest_w, waist_y, waist_w, hip_y, hip_w;
  double depth = 0.66;  // the trunk's, of its width
  double leg_r, arm_r, hand_r;
  double torso;  // from hip to shoulder

  // Joints of the left side have x > 0.
  Vec3 shoulder(Side side) const;
  Vec3 elbow(Side side) const;
  Vec3 wrist(Side side) const;
  Vec3 hand(Side side) const;
  Vec3 hip(Side side) const;
  Vec3 knee(Side side) const;
  Vec3 ankle(Side side) const;

 private:
  Vec3 arm_way(Side side) const;
  double arm_length_, arm_angle_deg_;
};

constexpr double sign(Side side) { return side == Side::left ? 1 : -1; }
inline constexpr Side kSides[] = {Side::left, Side::right};

Colour darker(Colour colour, double share = 0.75);
Colour lighter(Colour colour, double share = 0.4);

// The groups of what others paint on or go on with.
struct Groups {
  int torso = -1, head = -1, hair = -1;
};

Groups build_figure(const Character& c, const Skeleton& s, Sculptor& clay);  // trunk and limbs
void build_outfit(const Character& c, const Skeleton& s, const Groups& groups, Sculptor& clay);
int build_head(const Character& c, const Skeleton& s, Sculptor& clay);  // returns its group
void build_face(const Character& c, const Skeleton& s, int head, Sculptor& clay);
void build_hair(const Character& c, const Skeleton& s, Sculptor& clay);
void build_headgear(const Character& c, const Skeleton& s, Sculptor& clay);
void build_gear(const Character& c, const Skeleton& s, Sculptor& clay);  // what is carried
void build_back(const Character& c, const Skeleton& s, Sculptor& clay);

}  // namespace pirouette::characters
