#include "worker/train/accessories.h"

#include <array>
#include <optional>
#include <string_view>

namespace pirouette::train {
namespace {

using characters::Back;
using characters::Character;
using characters::Emblem;
using characters::Hair;
using characters::Headgear;
using characters::Kind;
using characters::Shield;
using characters::Side;
using characters::Staff;
using characters::Top;

using Sided = std::optional<Side> Character::*;

std::string at(std::string_view before, Side side, std::string_view where) {
  return std::string(before) + (side == Side::left ? " the left " : " the right ") +
         std::string(where);
}
std::string coloured(const characters::Swatch& swatch, std::string_view what) {
  return std::string(swatch.name) + ' ' + std::string(what);
}

// No word of the sides that a figure is seen from: a quiver is where quivers are.
std::string name_of(Back back) { return back == Back::quiver ? "quiver" : std::string(word(back)); }
std::string name_of(Headgear headgear) {
  return headgear == Headgear::goggles ? "goggles" : std::string(word(headgear));
}

struct Carried {
  Sided where;
  std::string name;
  std::string_view before, place;
};

// What is on one side only. The names of those that come in kinds are this character's.
std::vector<Carried> carried_kinds(const Character& c) {
  return {{&Character::shield, std::string(word(c.shield_shape)) + " shield", "on", "arm"},
          {&Character::sword, "sheathed sword", "at", "hip"},
          {&Character::satchel, "satchel", "at", "hip"},
          {&Character::staff, std::string(word(c.staff_kind)), "in", "hand"},
          {&Character::pauldron, coloured(c.palette.metal, "plate"), "on", "shoulder"},
          {&Character::armband, coloured(c.palette.trim, "band"), "around", "arm"},
          {&Character::eye_patch, "patch", "over", "eye"}};
}

bool has_round_helmet(const Character& c) {
  return c.headgear == Headgear::space_helmet || c.headgear == Headgear::diving_helmet;
}

bool has_plain_chest(const Character& c) {
  return c.top == Top::shirt || c.top == Top::tunic || c.top == Top::dress || c.top == Top::armour;
}

// As characters are drawn from seeds (characters/seeded.cpp).
bool can_carry(const Character& c, Sided where, Side side) {
  if (c.*where) return false;
  if (where == &Character::shield) return c.staff != side && c.claw != side;
  if (where == &Character::staff) return c.shield != side && c.claw != side;
  if (where == &Character::sword) return c.satchel != side;
  if (where == &Character::satchel) return c.sword != side;
  if (where == &Character::pauldron) return !c.armband;
  if (where == &Character::armband) return !c.pauldron && c.top != Top::armour;
  return c.kind != Kind::robot && !has_round_helmet(c);
}

// Then more would change than the hat.
bool hides_antenna(const Character& c, Headgear headgear) {
  return c.kind == Kind::robot && covers_hair(headgear);
}

bool can_wear(const Character& c, Headgear headgear) {
  if (c.headgear != Headgear::none || hides_antenna(c, headgear)) return false;
  const bool has_tall_ears = c.kind == Kind::rabbit || c.kind == Kind::fox || c.kind == Kind::cat;
  const bool has_tall_hair = c.hair == Hair::mohawk || c.hair == Hair::spikes ||
                             c.hair == Hair::curls || c.hair == Hair::bun;
  return !covers_hair(headgear) || (!has_tall_ears && !has_tall_hair);
}

}  // namespace

std::string Accessory::with_article() const {
  const bool is_many =
      name.ends_with("wings") || name.ends_with("goggles") || name.ends_with("antlers");
  if (is_many) return name;
  const bool is_vowel = std::string_view("aeiou").find(name.front()) != std::string_view::npos;
  return (is_vowel ? "an " : "a ") + name;
}

std::vector<Accessory> worn_by(const Character& c) {
  std::vector<Accessory> worn;
  for (const Carried& carried : carried_kinds(c))
    if (c.*carried.where)
      worn.push_back({carried.name, at(carried.before, *(c.*carried.where), carried.place),
                      [where = carried.where](Character& x) { (x.*where).reset(); }});
  // A feather or a hose would hang in the air.
  if (c.headgear != Headgear::none && !c.feather && !c.hose && !hides_antenna(c, c.headgear))
    worn.push_back({name_of(c.headgear), "", [](Character& x) { x.headgear = Headgear::none; }});
  if (c.back != Back::none && c.top != Top::padded_suit)
    worn.push_back({name_of(c.back), "", [](Character& x) { x.back = Back::none; }});
  if (c.emblem != Emblem::none)
    worn.push_back({coloured(c.palette.trim, word(c.emblem)), "on the chest",
                    [](Character& x) { x.emblem = Emblem::none; }});
  if (c.scarf)
    worn.push_back({coloured(c.palette.trim, "scarf"), "", [](Character& x) { x.scarf = false; }});
  return worn;
}

std::vector<Accessory> wearable_by(const Character& c) {
  std::vector<Accessory> wearable;
  const auto carry = [&](const Carried& carried, Side side, const auto& more) {
    if (!can_carry(c, carried.where, side)) return;
    wearable.push_back({carried.name, at(carried.before, side, carried.place),
                        [where = carried.where, side, more](Character& x) {
                          x.*where = side;
                          more(x);
                        }});
  };
  const auto nothing = [](Character&) {};
  for (const Side side : {Side::left, Side::right}) {
    for (const Carried& carried : carried_kinds(c))
      if (carried.where != &Character::shield && carried.where != &Character::staff)
        carry(carried, side, nothing);
    for (const Shield shape : {Shield::round, Shield::kite, Shield::tower})
      carry({&Character::shield, std::string(word(shape)) + " shield", "on", "arm"}, side,
            [shape](Character& x) { x.shield_shape = shape; });
    for (const Staff kind : {Staff::staff, Staff::spear, Staff::broom, Staff::hammer})
      carry({&Character::staff, std::string(word(kind)), "in", "hand"}, side,
            [kind](Character& x) { x.staff_kind = kind; });
  }
  for (const Headgear headgear :
       {Headgear::witch_hat, Headgear::cap, Headgear::helmet, Headgear::horned_helmet,
        Headgear::crown, Headgear::antlers, Headgear::top_hat, Headgear::headband,
        Headgear::straw_hat, Headgear::goggles})
    if (can_wear(c, headgear))
      wearable.push_back(
          {name_of(headgear), "", [headgear](Character& x) { x.headgear = headgear; }});
  if (c.back == Back::none)
    for (const Back back : {Back::cape, Back::long_cape, Back::backpack, Back::quiver, Back::wings})
      wearable.push_back({name_of(back), "", [back](Character& x) { x.back = back; }});
  if (c.emblem == Emblem::none && has_plain_chest(c) && !c.scarf)
    for (const Emblem emblem : {Emblem::star, Emblem::cross, Emblem::heart, Emblem::moon})
      wearable.push_back({coloured(c.palette.trim, word(emblem)), "on the chest",
                          [emblem](Character& x) { x.emblem = emblem; }});
  return wearable;
}

}  // namespace pirouette::train
