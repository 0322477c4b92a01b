// Draws characters from seeds: what goes together is chosen together, colours so that parts side
// by side differ, and nearly everyone carries something on one side only.

#include <algorithm>

#include "worker/train/characters/dice.h"
#include "worker/train/characters/swatches.h"

namespace pirouette::characters {
namespace {

constexpr double kContrastMin = 0.55;  // of colours side by side

Side side_of(Dice& dice) { return dice.chance(0.5) ? Side::left : Side::right; }

Swatch unlike(Dice& dice, std::span<const Swatch> some, std::initializer_list<Colour> others,
              double least = kContrastMin) {
  Swatch best = some[0];
  double best_contrast = -1;
  for (int attempt = 0; attempt < 12; ++attempt) {
    const Swatch swatch = dice.one_of(some);
    double nearest = 9;
    for (const Colour other : others) nearest = std::min(nearest, contrast(swatch.colour, other));
    if (nearest >= least) return swatch;
    if (nearest > best_contrast) {
      best = swatch;
      best_contrast = nearest;
    }
  }
  return best;
}

Kind kind_of(Dice dice) {
  return dice.one_of({Kind::human, Kind::human, Kind::human, Kind::human, Kind::human, Kind::human,
                      Kind::human, Kind::human, Kind::elf, Kind::elf, Kind::orc, Kind::cat,
                      Kind::fox, Kind::bear, Kind::rabbit, Kind::lizard, Kind::robot, Kind::robot});
}

// Three ways to stylise: chibi, heroic, lanky; and what lies between.
Proportions proportions_of(Dice dice, Kind kind) {
  Proportions p;
  const double way = dice.between(0, 1);
  if (way < 0.40) {
    p.head = dice.between(0.33, 0.40);
    p.shoulders = dice.between(0.90, 1.12);
    p.hips = dice.between(0.95, 1.15);
    p.limbs = dice.between(0.95, 1.25);
    p.legs = dice.between(0.42, 0.48);
  } else if (way < 0.62) {
    p.head = dice.between(0.20, 0.25);
    p.shoulders = dice.between(1.30, 1.62);
    p.hips = dice.between(1.0, 1.15);
    p.limbs = dice.between(1.15, 1.5);
    p.legs = dice.between(0.46, 0.52);
  } else if (way < 0.82) {
    p.head = dice.between(0.20, 0.25);
    p.shoulders = dice.between(0.92, 1.10);
    p.hips = dice.between(0.85, 1.02);
    p.limbs = dice.between(0.80, 1.0);
    p.legs = dice.between(0.52, 0.58);
  } else {
    p.head = dice.between(0.27, 0.32);
    p.shoulders = dice.between(1.0, 1.3);
    p.hips = dice.between(1.1, 1.4);
    p.limbs = dice.between(1.0, 1.3);
    p.legs = dice.between(0.38, 0.45);
    p.belly = dice.between(0.3, 1.0);
  }
  if (kind == Kind::orc || kind == Kind::bear) {
    p.shoulders *= 1.15;
    p.limbs *= 1.1;
  }
  p.arm_angle_deg = dice.between(9, 24);
  return p;
}

Palette palette_of(Dice dice, Kind kind) {
  Palette p;
  switch (kind) {
    case Kind::human:
    case Kind::elf:
      p.skin = dice.one_of(skins());
      break;
    case Kind::orc:
    case Kind::lizard:
      p.skin = dice.one_of(scales());
      break;
    case Kind::robot:
      p.skin = dice.chance(0.4) ? dice.one_of(metals()) : dice.one_of(cloths());
      break;
    default:
      p.skin = dice.one_of(furs());
      break;
  }
  p.hair = unlike(dice, hairs(), {p.skin.colour}, 0.5);
  p.eyes = dice.one_of(irises());
  p.main = unlike(dice, cloths(), {p.skin.colour, p.hair.colour});
  p.second = unlike(dice, cloths(), {p.main.colour, p.skin.colour});
  p.trim = unlike(dice, cloths(), {p.main.colour, p.second.colour}, 0.7);
  p.leather = unlike(dice, leathers(), {p.main.colour, p.second.colour}, 0.4);
  p.metal = unlike(dice, metals(), {p.main.colour, p.second.colour}, 0.4);
  return p;
}

Face face_of(Dice dice, Kind kind) {
  Face face;
  face.eyes =
      dice.one_of({Eyes::round, Eyes::tall, Eyes::tall, Eyes::round, Eyes::narrow, Eyes::dots});
  face.mouth = dice.one_of({Mouth::smile, Mouth::smile, Mouth::grin, Mouth::calm, Mouth::frown});
  face.brows_deg = dice.between(-14, 16);
  face.freckles = dice.chance(0.15);
  face.blush = dice.chance(0.7);
  const bool can_wear_beard = kind == Kind::human || kind == Kind::orc;
  const double beard = dice.between(0, 1);
  if (can_wear_beard && beard < 0.14) face.beard = Beard::full;
  if (can_wear_beard && beard > 0.90) face.beard = Beard::moustache;
  return face;
}

void dress(Dice dice, Character& c) {
  c.top = dice.one_of({Top::shirt, Top::tunic, Top::tunic, Top::robe, Top::dress, Top::jacket,
                       Top::jacket, Top::armour, Top::armour, Top::sweater, Top::overalls,
                       Top::padded_suit});
  c.bottom = dice.one_of({Bottom::trousers, Bottom::trousers, Bottom::shorts, Bottom::skirt});
  c.feet = dice.one_of({Feet::boots, Feet::boots, Feet::shoes, Feet::shoes, Feet::bare});
  if (c.top == Top::armour || c.top == Top::padded_suit) c.feet = Feet::boots;
  c.short_sleeves = dice.chance(0.3) && c.top != Top::robe;
  c.gloves = dice.chance(0.35) || c.top == Top::armour;
  c.belt = dice.chance(0.6) && c.top != Top::overalls && c.top != Top::padded_suit;
  c.scarf = dice.chance(0.15) && c.top != Top::padded_suit && c.face.beard != Beard::full;
  c.striped_legs = dice.chance(0.12);
  const bool has_plain_chest =
      c.top == Top::shirt || c.top == Top::tunic || c.top == Top::dress || c.top == Top::armour;
  if (has_plain_chest && !c.scarf && dice.chance(0.6)) {
    c.emblem = dice.one_of({Emblem::star, Emblem::cross, Emblem::disc, Emblem::heart,
                            Emblem::diamond, Emblem::bolt, Emblem::moon, Emblem::chevron});
  }
}

bool is_round_helmet(Headgear headgear) {
  return headgear == Headgear::space_helmet || headgear == Headgear::diving_helmet;
}

void crown(Dice dice, Character& c) {
  c.hair = dice.one_of({Hair::bald, Hair::crop, Hair::crop, Hair::bob, Hair::bob, Hair::long_hair,
                        Hair::long_hair, Hair::ponytail, Hair::bun, Hair::mohawk, Hair::twin_tails,
                        Hair::curls, Hair::spikes, Hair::braid, Hair::braid});
  c.hair_side = side_of(dice);
  if (dice.chance(0.52)) {
    c.headgear =
        dice.one_of({Headgear::witch_hat, Headgear::wizard_hat, Headgear::cap, Headgear::helmet,
                     Headgear::horned_helmet, Headgear::hood, Headgear::crown, Headgear::antlers,
                     Headgear::toque, Headgear::top_hat, Headgear::headband, Headgear::straw_hat,
                     Headgear::diving_helmet, Headgear::space_helmet, Headgear::goggles});
  }
  if (c.top == Top::padded_suit && dice.chance(0.6)) {
    c.headgear = dice.chance(0.5) ? Headgear::space_helmet : Headgear::diving_helmet;
  }
  const bool has_tall_ears = c.kind == Kind::rabbit || c.kind == Kind::fox || c.kind == Kind::cat;
  if (has_tall_ears && covers_hair(c.headgear) && dice.chance(0.7)) c.headgear = Headgear::none;
  if (!covers_hair(c.headgear)) return;
  // Under a hat only what hangs below it.
  if (c.hair == Hair::mohawk || c.hair == Hair::spikes || c.hair == Hair::curls)
    c.hair = Hair::crop;
  if (c.hair == Hair::bun) c.hair = Hair::bob;
  if (is_round_helmet(c.headgear)) c.hair = Hair::crop;
}

void equip(Dice dice, Character& c) {
  const Side armed = side_of(dice), other = opposite(armed);
  const double way = dice.between(0, 1);
  if (way < 0.30) {
    c.shield = armed;
    c.shield_shape = dice.one_of({Shield::round, Shield::round, Shield::kite, Shield::tower});
    if (dice.chance(0.6)) c.sword = dice.chance(0.5) ? armed : other;
  } else if (way < 0.58) {
    c.staff = armed;
    c.staff_kind = dice.one_of(
        {Staff::staff, Staff::spear, Staff::broom, Staff::wand, Staff::ladle, Staff::hammer});
  } else if (way < 0.72) {
    c.sword = armed;
  }
  if (dice.chance(0.32)) c.satchel = c.sword ? opposite(*c.sword) : side_of(dice);
  if (c.top == Top::armour ? dice.chance(0.4) : dice.chance(0.18)) c.pauldron = side_of(dice);
  if (dice.chance(0.08) && c.kind != Kind::robot && !is_round_helmet(c.headgear))
    c.eye_patch = side_of(dice);
  if (!c.pauldron && c.top != Top::armour && dice.chance(0.22)) c.armband = side_of(dice);
  if (c.kind == Kind::robot && dice.chance(0.5)) c.claw = side_of(dice);
  if (c.claw && c.staff == c.claw) c.claw = opposite(*c.staff);
  if (dice.chance(0.10) && c.headgear == Headgear::headband) c.feather = side_of(dice);
  if ((c.headgear == Headgear::top_hat || c.headgear == Headgear::cap) && dice.chance(0.4)) {
    c.feather = side_of(dice);
  }
  if (c.headgear == Headgear::diving_helmet) c.hose = side_of(dice);
  const double behind = dice.between(0, 1);
  c.back = behind < 0.20   ? Back::cape
           : behind < 0.34 ? Back::long_cape
           : behind < 0.48 ? Back::backpack
           : behind < 0.56 ? Back::quiver
           : behind < 0.62 ? Back::wings
                           : Back::none;
  if (c.top == Top::padded_suit) c.back = Back::backpack;
}

}  // namespace

Character character_of(std::uint64_t seed) {
  Character c;
  c.name = "character-" + std::to_string(seed);
  c.kind = kind_of(Dice(seed, "kind"));
  c.proportions = proportions_of(Dice(seed, "proportions"), c.kind);
  c.palette = palette_of(Dice(seed, "palette"), c.kind);
  c.face = face_of(Dice(seed, "face"), c.kind);
  dress(Dice(seed, "outfit"), c);
  crown(Dice(seed, "head"), c);
  equip(Dice(seed, "gear"), c);
  return c;
}

}  // namespace pirouette::characters
