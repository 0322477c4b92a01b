#pragma once
// Puts solids and marks together in the words of someone who models in clay: take a colour, add
// balls, limbs and cones of it. What is taken anew is divided by ink from what was there.

#include "worker/train/characters/body.h"

namespace pirouette::characters {

class Sculptor {
 public:
  explicit Sculptor(Body& body) : body_(body) {}

  // The clay of what is added next; returns its group, for marks and for going on with it later.
  int take(Part part, Colour colour);
  // Goes on with a group's clay, as another part or in another colour.
  void resume(int group, Part part, Colour colour);

  void ball(Vec3 centre, Vec3 radii, const Frame& frame = {});
  // A ball of which only what is above low (of -1 to 1, along frame.y) stays.
  void dome(Vec3 centre, Vec3 radii, double low, const Frame& frame = {}, double high = 1);
  // Round at both ends.
  void limb(Vec3 a, double radius_a, Vec3 b, double radius_b);
  // Cut flat at both ends; depth: its thickness from front to back, of its width.
  void cone(Vec3 a, double radius_a, Vec3 b, double radius_b, double depth = 1);
  // Upright and flared like a skirt: curve > 0 bends the sides in below the top.
  void bell(Vec3 top, double radius_top, double height, double radius_bottom, double depth,
            double curve);
  void box(Vec3 centre, Vec3 half, const Frame& frame = {});

  // Seen from the front; size: half its width and height. turn_deg: about its middle.
  void mark(Mark mark, Colour colour, Vec3 at, double half_width, double half_height,
            Part part = Part::none, double turn_deg = 0, bool is_lit = true);
  // On any plane: cross(frame.x, frame.y) is where it is seen from.
  void mark_on(int group, Mark mark, Colour colour, Vec3 at, const Frame& frame, double half_width,
               double half_height, Part part = Part::none, bool is_lit = true);

 private:
  void add(Solid solid);

  Body& body_;
  Part part_ = Part::none;
  Colour colour_;
  int group_ = -1, groups_ = 0;
};

}  // namespace pirouette::characters
