#pragma once
// A character as the renderer sees it: solids that a ray meets in closed form, and flat marks
// projected onto them (eyes, emblems, stripes). Everything is real in three dimensions, so every
// view of it agrees with every other.
//
// A solid is a quadric under an affine map, cut by two planes: with l the point in the solid's own
// coordinates, l.x^2 + l.z^2 + square l.y^2 + linear l.y + constant <= 0 and low <= l.y <= high.
// That one form holds balls, cones, tubes and flared skirts. Boxes are the only other shape.

#include <cstdint>
#include <vector>

#include "worker/train/characters/vec.h"

namespace pirouette::characters {

struct Colour {
  std::uint8_t r = 255, g = 255, b = 255;
  bool operator==(const Colour&) const = default;
};

inline constexpr Colour kInk{43, 39, 51};

// What a pixel shows: ground truth for whoever checks where a part ended up.
enum class Part : std::uint8_t {
  none,  // the ground
  head,
  face,  // eyes, brows, mouth, nose
  hair,
  headgear,
  torso,
  left_arm,
  right_arm,
  left_leg,
  right_leg,
  tail,
  emblem,
  shield,
  sword,
  satchel,
  pauldron,
  staff,
  eye_patch,
  armband,
  claw,
  hose,
  back,  // cape, backpack, quiver, wings
};

struct Solid {
  enum class Shape : std::uint8_t { quadric, box };  // a box: every |l| <= 1
  Shape shape = Shape::quadric;
  Vec3 centre, x, y, z;  // point = centre + l.x x + l.y y + l.z z
  double square = 1, linear = 0, constant = -1;
  double low = -1, high = 1;
  Colour colour;
  Part part = Part::none;
  int group = 0;  // no ink where two solids of a group meet

  bool is_cut() const { return square != 1 || low > -1 || high < 1; }
};

enum class Mark : std::uint8_t {
  disc,
  square,
  smile,  // the lower half of a thin ring
  frown,
  star,
  cross,
  heart,
  diamond,
  bolt,
  moon,
  chevron,
  bands,   // every other unit of v
  checks,  // every other square
};

// Painted onto the solids of a group where they face cross(u, v): the point p has the coordinates
// dot(p - origin, u) and dot(p - origin, v), in which the mark is about one unit in size.
struct Decal {
  Mark mark = Mark::disc;
  Vec3 origin, u, v;
  Colour colour;
  Part part = Part::none;
  int group = 0;
  bool is_lit = true;  // shaded as what it lies on
};

struct Body {
  std::vector<Solid> solids;
  std::vector<Decal> decals;
  double top = 0, reach = 0;  // how high it is, and how far from its axis any view of it goes
};

bool covers(Mark mark, double u, double v);

}  // namespace pirouette::characters
