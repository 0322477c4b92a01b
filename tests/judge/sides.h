#pragma once
// What a character has on one side only, and whether a picture shows it there. The judge builds the
// same character with that one thing on the other side; where the two true pictures differ, the
// judged one must be nearer to the right one. Pure.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/image/image.h"
#include "worker/train/characters/character.h"
#include "worker/train/characters/render.h"

namespace pirouette::judge {

enum class Thing {
  shield,
  sword,
  satchel,
  pauldron,
  staff,
  eye_patch,
  armband,
  claw,
  feather,
  hose,
  hair,  // the fringe's side, the braid's, and what leans with it: a hat's tip, an antenna
};
inline constexpr int kThings = 11;

std::string_view name(Thing thing);
std::vector<Thing> one_sided_things(const characters::Character& character);

// The thing on the other side, all else the same.
characters::Character with_thing_swapped(const characters::Character& character, Thing thing);

struct SideVerdict {
  Thing thing = Thing::shield;
  bool is_right = false;
};

// Where the true picture differs from that of the character with the thing on the other side.
struct SideQuestion {
  struct Spot {
    std::uint32_t pixel = 0;
    std::array<std::uint8_t, 3> right{}, wrong{};  // of softened pictures
  };
  Thing thing = Thing::shield;
  std::vector<Spot> spots;

  SideVerdict answer(const Image& softened) const;
};

// Of the things that can be seen from there: part_map shows at least kSeenShare of the picture's
// pixels of it, and so many pixels differ from what the other side would show.
inline constexpr double kSeenShare = 20.0 / (192 * 288);
std::vector<SideQuestion> side_questions(const characters::Character& character,
                                         const characters::Camera& camera);

}  // namespace pirouette::judge
