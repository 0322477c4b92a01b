#pragma once
// What a character looks like, in words and numbers; body.h makes it solid. Drawn from a seed, or
// written by hand (cast.h). Whatever is on one side only says on which: the character's own.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "worker/train/characters/body.h"

namespace pirouette::characters {

enum class Side : std::int8_t { left = 1, right = -1 };
constexpr Side opposite(Side side) { return side == Side::left ? Side::right : Side::left; }

struct Swatch {
  std::string_view name;
  Colour colour;
};

enum class Kind { human, elf, orc, cat, fox, bear, rabbit, lizard, robot };
enum class Hair {
  bald,
  crop,
  bob,
  long_hair,
  ponytail,
  bun,
  mohawk,
  twin_tails,
  curls,
  spikes,
  braid
};
enum class Eyes { round, tall, narrow, dots };
enum class Mouth { smile, grin, calm, frown };
enum class Beard { none, moustache, full };
enum class Headgear {
  none,
  witch_hat,
  wizard_hat,
  cap,
  helmet,
  horned_helmet,
  hood,
  crown,
  antlers,
  toque,
  top_hat,
  headband,
  straw_hat,
  diving_helmet,
  space_helmet,
  goggles
};
enum class Top { shirt, tunic, robe, dress, jacket, armour, sweater, overalls, padded_suit };
enum class Bottom { trousers, shorts, skirt };
enum class Feet { shoes, boots, bare };
enum class Back { none, cape, backpack, quiver, wings, long_cape };
enum class Emblem { none, star, cross, disc, heart, diamond, bolt, moon, chevron };
enum class Shield { round, kite, tower };
enum class Staff { staff, spear, broom, wand, ladle, hammer };

struct Proportions {
  double head = 0.26;                         // the head's height, of the body's
  double shoulders = 1, hips = 1, limbs = 1;  // widths, 1 is usual
  double legs = 0.5;                          // the legs' share of what is below the head
  double belly = 0;                           // 0 to 1
  double arm_angle_deg = 18;                  // of the arms from the body
};

struct Palette {
  Swatch skin, hair, eyes;
  Swatch main, second, trim;  // the outfit's
  Swatch leather, metal;
};

struct Face {
  Eyes eyes = Eyes::round;
  Mouth mouth = Mouth::smile;
  Beard beard = Beard::none;
  double brows_deg = 0;  // positive: stern
  bool freckles = false, blush = true, glasses = false;
};

struct Character {
  std::string name;
  Kind kind = Kind::human;
  Proportions proportions;
  Palette palette;
  Face face;
  Hair hair = Hair::crop;
  Side hair_side = Side::left;  // the fringe falls to this side, the braid hangs over it
  Headgear headgear = Headgear::none;
  Top top = Top::tunic;
  Bottom bottom = Bottom::trousers;
  Feet feet = Feet::boots;
  bool short_sleeves = false, gloves = false, belt = true, scarf = false, striped_legs = false;
  Emblem emblem = Emblem::none;  // on the chest
  Back back = Back::none;

  Shield shield_shape = Shield::round;
  Staff staff_kind = Staff::staff;
  std::optional<Side> shield, sword, satchel, pauldron, staff, eye_patch, armband, claw, feather,
      hose;
};

// The same seed gives the same character, on every machine. Its parts are drawn from separate
// streams, so that one more kind of hat changes no one's hair.
Character character_of(std::uint64_t seed);

// The same with everything one-sided on its other side: not a mirror image, whose left foot would
// be a right one, but another character.
Character with_sides_swapped(const Character& character);

// Hats under which hair must lie flat.
bool covers_hair(Headgear headgear);

// Whether the legs come out of a skirt, a tunic or the like.
bool is_skirted(const Character& character);

// What must stay the same in every view, as a studio would write it beside the picture.
std::string description(const Character& character);

// What description() calls it; "" for none.
std::string_view word(Headgear headgear);
std::string_view word(Top top);
std::string_view word(Bottom bottom);
std::string_view word(Back back);
std::string_view word(Emblem emblem);
std::string_view word(Shield shield);
std::string_view word(Staff staff);

Body build(const Character& character);

}  // namespace pirouette::characters
