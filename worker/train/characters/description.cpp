// A character in words: what a studio would write for the prompt of every view.

#include <array>

#include "worker/train/characters/character.h"

namespace pirouette::characters {
namespace {

template <typename E, std::size_t N>
std::string_view named(E value, const std::array<std::string_view, N>& names) {
  return names[static_cast<std::size_t>(value)];
}

constexpr std::array<std::string_view, 9> kKinds = {"person", "elf",    "orc",    "cat",  "fox",
                                                    "bear",   "rabbit", "lizard", "robot"};
constexpr std::array<std::string_view, 11> kHairs = {
    "no",        "short",         "bobbed", "long",  "tied-back", "bun of",
    "mohawk of", "twin tails of", "curly",  "spiky", "braided"};
constexpr std::array<std::string_view, 16> kHeadgear = {"",
                                                        "pointed witch hat",
                                                        "wizard hat",
                                                        "cap",
                                                        "plumed helmet",
                                                        "horned helmet",
                                                        "hood",
                                                        "crown",
                                                        "antlers",
                                                        "tall white toque",
                                                        "top hat",
                                                        "headband",
                                                        "straw hat",
                                                        "diving helmet",
                                                        "space helmet",
                                                        "goggles on the forehead"};
constexpr std::array<std::string_view, 9> kTops = {"buttoned shirt",  "tunic",       "long robe",
                                                   "dress",           "open jacket", "armour",
                                                   "striped sweater", "overalls",    "padded suit"};
constexpr std::array<std::string_view, 3> kBottoms = {"trousers", "shorts", "skirt"};
constexpr std::array<std::string_view, 3> kFeet = {"shoes", "boots", "bare feet"};
constexpr std::array<std::string_view, 6> kBacks = {
    "", "short cape", "backpack", "quiver on the back", "wings", "long cape"};
constexpr std::array<std::string_view, 9> kEmblems = {"",        "star", "cross", "disc",   "heart",
                                                      "diamond", "bolt", "moon",  "chevron"};
constexpr std::array<std::string_view, 3> kShields = {"round", "kite", "tower"};
constexpr std::array<std::string_view, 6> kStaffs = {"staff", "spear", "broom",
                                                     "wand",  "ladle", "hammer"};

std::string said(std::initializer_list<std::string_view> words) {
  std::string out;
  for (const std::string_view word : words) {
    if (word.empty()) continue;
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

std::string on(std::string_view what, Side side, std::string_view where) {
  return said({what, side == Side::left ? "the left" : "the right", where});
}

class Sentence {
 public:
  void add(const std::string& clause) {
    if (clause.empty()) return;
    if (!text_.empty()) text_ += ", ";
    text_ += clause;
  }
  void add(const std::optional<Side>& side, std::string_view what, std::string_view where) {
    if (side) add(on(what, *side, where));
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

void add_head(const Character& c, Sentence& sentence) {
  const Palette& p = c.palette;
  const bool has_hair = c.kind == Kind::human || c.kind == Kind::elf || c.kind == Kind::orc;
  const std::string_view skin = c.kind == Kind::human || c.kind == Kind::elf ? "skin" : "";
  sentence.add(skin.empty() ? said({p.skin.name, named(c.kind, kKinds)})
                            : said({named(c.kind, kKinds), "with", p.skin.name, skin}));
  if (has_hair) {
    sentence.add(c.hair == Hair::bald ? "no hair"
                                      : said({named(c.hair, kHairs), p.hair.name, "hair"}));
    if (c.hair == Hair::braid) sentence.add(on("braid over", c.hair_side, "shoulder"));
  }
  if (c.face.beard != Beard::none) {
    sentence.add(said({p.hair.name, c.face.beard == Beard::full ? "beard" : "moustache"}));
  }
  sentence.add(std::string(named(c.headgear, kHeadgear)));
}

void add_outfit(const Character& c, Sentence& sentence) {
  const Palette& p = c.palette;
  const std::string_view cloth = c.top == Top::armour ? p.metal.name : p.main.name;
  sentence.add(said({cloth, named(c.top, kTops)}));
  if (c.emblem != Emblem::none) {
    sentence.add(said({p.trim.name, named(c.emblem, kEmblems), "on the chest"}));
  }
  if (c.scarf) sentence.add(said({p.trim.name, "scarf"}));
  const bool shows_bottom = c.top == Top::shirt || c.top == Top::jacket || c.top == Top::sweater;
  if (shows_bottom) sentence.add(said({p.second.name, named(c.bottom, kBottoms)}));
  if (c.striped_legs) sentence.add("striped legs");
  sentence.add(c.feet == Feet::bare ? "bare feet" : said({p.leather.name, named(c.feet, kFeet)}));
  sentence.add(std::string(named(c.back, kBacks)));
}

}  // namespace

std::string_view word(Headgear headgear) { return named(headgear, kHeadgear); }
std::string_view word(Top top) { return named(top, kTops); }
std::string_view word(Bottom bottom) { return named(bottom, kBottoms); }
std::string_view word(Back back) { return named(back, kBacks); }
std::string_view word(Emblem emblem) { return named(emblem, kEmblems); }
std::string_view word(Shield shield) { return named(shield, kShields); }
std::string_view word(Staff staff) { return named(staff, kStaffs); }

std::string description(const Character& c) {
  Sentence sentence;
  add_head(c, sentence);
  add_outfit(c, sentence);
  sentence.add(c.shield, said({named(c.shield_shape, kShields), "shield on"}), "arm");
  sentence.add(c.sword, "sheathed sword at", "hip");
  sentence.add(c.staff, said({named(c.staff_kind, kStaffs), "in"}), "hand");
  sentence.add(c.satchel, "satchel at", "hip");
  sentence.add(c.pauldron, said({c.palette.metal.name, "plate on"}), "shoulder only");
  sentence.add(c.eye_patch, "patch over", "eye");
  sentence.add(c.armband, said({c.palette.trim.name, "band around"}), "arm");
  sentence.add(c.claw, "claw for", "hand");
  sentence.add(c.feather, "feather on", "of the head");
  sentence.add(c.hose, "air hose from", "of the helmet");
  if (c.kind == Kind::robot && !covers_hair(c.headgear)) {
    sentence.add(on("antenna on", c.hair_side, "of the head"));
  }
  return std::move(sentence).text();
}

}  // namespace pirouette::characters
