// What is on one side only changes sides, all of it and nothing else.

#include "tests/judge/sides.h"

#include <gtest/gtest.h>

#include "worker/train/characters/character.h"

namespace pirouette::characters {
namespace {

TEST(Sides, SwappedAreThoseOfEveryOneSidedThing) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Character character = character_of(seed);
    Character one_by_one = character;
    for (const judge::Thing thing : judge::one_sided_things(character))
      one_by_one = judge::with_thing_swapped(one_by_one, thing);
    const Character swapped = with_sides_swapped(character);
    EXPECT_EQ(description(swapped), description(one_by_one));
    EXPECT_EQ(swapped.hair_side, opposite(character.hair_side));
    EXPECT_EQ(swapped.shield, one_by_one.shield);
    EXPECT_EQ(swapped.sword, one_by_one.sword);
    EXPECT_EQ(swapped.satchel, one_by_one.satchel);
    EXPECT_EQ(swapped.pauldron, one_by_one.pauldron);
    EXPECT_EQ(swapped.staff, one_by_one.staff);
    EXPECT_EQ(swapped.eye_patch, one_by_one.eye_patch);
    EXPECT_EQ(swapped.armband, one_by_one.armband);
    EXPECT_EQ(swapped.claw, one_by_one.claw);
    EXPECT_EQ(swapped.feather, one_by_one.feather);
    EXPECT_EQ(swapped.hose, one_by_one.hose);
    EXPECT_EQ(description(with_sides_swapped(swapped)), description(character));
  }
}

}  // namespace
}  // namespace pirouette::characters
