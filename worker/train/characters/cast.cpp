// See cast.h.

#include "worker/train/characters/cast.h"

#include "worker/train/characters/swatches.h"

namespace pirouette::characters {
namespace {

Character base(std::string name, std::string_view skin, std::string_view hair) {
  Character c;
  c.name = std::move(name);
  c.palette.skin = swatch(skin);
  c.palette.hair = swatch(hair);
  c.palette.leather = swatch("brown leather");
  c.palette.metal = swatch("steel");
  c.proportions = {.head = 0.33,
                   .shoulders = 1.08,
                   .hips = 1.05,
                   .limbs = 1.15,
                   .legs = 0.46,
                   .belly = 0,
                   .arm_angle_deg = 17};
  return c;
}

void wear(Character& c, std::string_view main, std::string_view second, std::string_view trim) {
  c.palette.main = swatch(main);
  c.palette.second = swatch(second);
  c.palette.trim = swatch(trim);
}

Character knight() {
  Character c = base("knight", "peach", "chestnut");
  wear(c, "blue", "navy", "crimson");
  c.palette.eyes = {"blue", {62, 122, 208}};
  c.top = Top::armour;
  c.headgear = Headgear::helmet;
  c.back = Back::cape;
  c.emblem = Emblem::star;
  c.gloves = true;
  c.shield = Side::left;
  c.sword = Side::right;
  return c;
}

Character chef() {
  Character c = base("chef", "peach", "dark brown");
  wear(c, "white", "charcoal", "scarlet");
  c.palette.eyes = {"brown", {122, 76, 44}};
  c.proportions = {.head = 0.31,
                   .shoulders = 1.25,
                   .hips = 1.35,
                   .limbs = 1.25,
                   .legs = 0.40,
                   .belly = 0.9,
                   .arm_angle_deg = 18};
  c.headgear = Headgear::toque;
  c.top = Top::shirt;
  c.feet = Feet::shoes;
  c.face.beard = Beard::moustache;
  c.belt = false;
  c.scarf = true;
  c.hair_side = Side::right;
  c.palette.leather = swatch("black leather");
  c.staff = Side::right;
  c.staff_kind = Staff::ladle;
  c.armband = Side::left;
  return c;
}

Character astronaut() {
  Character c = base("astronaut", "tan", "dark brown");
  wear(c, "white", "sky blue", "orange");
  c.palette.eyes = {"green", {58, 150, 92}};
  c.palette.leather = swatch("tan leather");
  c.top = Top::padded_suit;
  c.headgear = Headgear::space_helmet;
  c.back = Back::backpack;
  c.face.freckles = true;
  c.face.mouth = Mouth::grin;
  c.belt = false;
  c.armband = Side::left;
  c.proportions.head = 0.30;
  return c;
}

Character diver() {
  Character c = base("diver", "honey", "grey");
  wear(c, "tan", "olive", "scarlet");
  c.palette.eyes = {"green", {58, 150, 92}};
  c.palette.metal = swatch("copper");
  c.top = Top::padded_suit;
  c.headgear = Headgear::diving_helmet;
  c.face.beard = Beard::moustache;
  c.back = Back::backpack;
  c.belt = true;
  c.hose = Side::right;
  c.sword = Side::left;
  c.staff = Side::right;
  c.staff_kind = Staff::spear;
  c.proportions.head = 0.30;
  c.proportions.shoulders = 1.2;
  return c;
}

Character witch() {
  Character c = base("witch", "porcelain", "ginger");
  wear(c, "purple", "mint", "amber");
  c.palette.eyes = {"green", {58, 150, 92}};
  c.palette.metal = swatch("gold");
  c.top = Top::dress;
  c.headgear = Headgear::witch_hat;
  c.hair = Hair::braid;
  c.hair_side = Side::left;
  c.face.eyes = Eyes::tall;
  c.emblem = Emblem::moon;
  c.striped_legs = true;
  c.feet = Feet::shoes;
  c.satchel = Side::left;
  c.staff = Side::right;
  c.staff_kind = Staff::broom;
  return c;
}

Character robot() {
  Character c = base("robot", "turquoise", "grey");
  wear(c, "teal", "grey", "orange");
  c.kind = Kind::robot;
  c.hair_side = Side::right;
  c.hair = Hair::crop;
  c.top = Top::shirt;
  c.emblem = Emblem::bolt;
  c.feet = Feet::boots;
  c.belt = true;
  c.palette.leather = swatch("dark leather");
  c.claw = Side::left;
  c.pauldron = Side::left;
  c.proportions.limbs = 1.0;
  return c;
}

}  // namespace

std::vector<Character> cast() { return {knight(), chef(), astronaut(), diver(), witch(), robot()}; }

}  // namespace pirouette::characters
