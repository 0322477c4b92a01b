#pragma once
// Colours of samples: two tones and a highlight by the angle to a light that stays with the viewer
// (upper left), shadows that near parts drop on far ones, and the marks painted on a group.

#include <array>
#include <cstdint>
#include <vector>

#include "worker/train/characters/samples.h"

namespace pirouette::characters {

// Three sums of channels in one word, 21 bits each, so that averaging samples is one addition.
using WideColour = std::uint64_t;
constexpr WideColour widen(Colour c) {
  return WideColour{c.r} << 42 | WideColour{c.g} << 21 | WideColour{c.b};
}

inline constexpr int kTones = 256;
using Ramp = std::array<WideColour, kTones>;  // from shadow to highlight

// A body in one view, with all that its samples share.
class Scene {
 public:
  Scene(const Body& body, double azimuth_deg);

  const std::vector<Posed>& posed() const { return posed_; }
  const std::vector<int>& groups() const { return groups_; }

  // Colours of one row of samples. inked: kInnerLine and kOuterLine. drop: how many samples further
  // up to look for what drops a shadow.
  void shade(const Samples& samples, const Grid& grid, int row, const std::uint8_t* inked, int drop,
             WideColour ground, WideColour* out) const;

  Part part_at(const Samples& samples, const Grid& grid, int column, int row) const;

 private:
  // A solid's place and equation as floats, for the loops over samples.
  struct Shape {
    explicit Shape(const Posed& posed);
    float x0, y0, depth0;
    float across[3], up[3], away[3];
    float square, linear, constant, middle;
    float on_cut;  // inside by more than this lies on a cut
    bool is_box;
  };
  // A decal turned into the view: u and v are the products with (x, y, depth, 1).
  struct Stamp {
    Stamp(const Decal& from, std::size_t index, Vec3 right, Vec3 nearer);
    std::size_t decal;
    float u[4], v[4], facing[3];
    float most = 1e9F;                     // |u| and |v| where it can be
    float lowest = -1e9F, highest = 1e9F;  // y where it can be
  };
  struct Normal {
    float x, y, z;  // in the view, of length 1
  };

  template <bool kIsBox>
  [[gnu::always_inline]] static inline Normal normal(const Shape& shape, float x, float y,
                                                     float depth);
  // Tones of the samples [from, to), all of that solid.
  template <bool kIsBox>
  void light(const Shape& shape, const Grid& grid, int from, int to, float y, const float* depth,
             std::uint8_t* tones) const;
  bool is_in_dropped_shadow(const Samples& samples, std::size_t at, std::size_t dropper) const;
  std::size_t ramp_index(Colour colour, bool is_lit);
  void find_stamps(int group, float y, std::vector<const Stamp*>& out) const;
  // The topmost decal there, counted on from the solids, or the solid.
  std::size_t paint_at(const std::vector<const Stamp*>& stamps, std::size_t solid, float x, float y,
                       float depth) const;

  struct Made {
    Colour colour;
    bool is_lit;
  };

  const Body& body_;
  std::vector<Posed> posed_;
  std::vector<Shape> shapes_;
  std::vector<int> groups_;
  std::vector<Ramp> ramps_;           // one a colour
  std::vector<std::size_t> ramp_of_;  // of each solid, then of each decal
  std::vector<Made> made_;            // what each ramp is of
  std::vector<WideColour> inks_;
  std::vector<std::vector<Stamp>> stamps_of_;  // by group, the topmost first
};

}  // namespace pirouette::characters
