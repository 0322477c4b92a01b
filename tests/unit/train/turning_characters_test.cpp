// Drawn examples: the same for the same chances, under the product's own prompts.

#include "worker/train/turning_characters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/image/difference_mask.h"
#include "common/job/recipe.h"
#include "tests/unit/train/training_fixture.h"
#include "worker/flux/reference.h"
#include "worker/train/characters/character.h"
#include "worker/train/characters/render.h"

namespace pirouette::train {
namespace {

Image seen_from(const characters::Character& character, int azimuth_deg) {
  characters::Camera camera;
  camera.azimuth_deg = azimuth_deg;
  camera.width = 48;
  camera.height = 64;
  camera.oversampling = characters::kQuickOversampling;
  return characters::render(characters::build(character), camera);
}

TEST(TurningCharacters, AreTheSameForTheSameChances) {
  const auto dataset = turning_characters(100, {48, 64});
  std::set<std::string> references;  // their bytes
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    Rng once(seed), again(seed);
    const Example example = get(dataset->at(0, once));
    EXPECT_EQ(example.target.pixels, get(dataset->at(7, again)).target.pixels);
    EXPECT_EQ(example.reference.width, 48);
    EXPECT_EQ(example.target.height, 64);
    references.emplace(example.reference.pixels.begin(), example.reference.pixels.end());
  }
  EXPECT_GE(references.size(), 5u);
}

// Half of the time with the notes that a studio may write beside the picture.
TEST(TurningCharacters, SayWhatTheFarmSays) {
  constexpr std::uint64_t kCount = 3;
  const auto dataset = turning_characters(kCount, {48, 64});
  Recipe recipe;
  recipe.prompt = default_prompt_template();
  recipe.loras = {{"turnaround", 1.0, std::string(kTurnaroundTrigger)}};
  std::set<std::string> plain, noted;
  for (const View& view : standard_views()) {
    plain.insert(make_prompt(recipe, view, "", ""));
    for (std::uint64_t seed = 0; seed < kCount; ++seed)
      noted.insert(make_prompt(recipe, view, description(characters::character_of(seed)), ""));
  }
  const std::string front = make_prompt(recipe, standard_views().front(), "", "");
  int with_notes = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Rng rng(seed);
    const Example example = get(dataset->at(0, rng));
    EXPECT_TRUE(plain.contains(example.prompt) || noted.contains(example.prompt));
    with_notes += noted.contains(example.prompt) ? 1 : 0;
    // The front is the reference itself.
    if (example.prompt.starts_with(front)) {
      EXPECT_EQ(example.reference.pixels, example.target.pixels);
    }
  }
  EXPECT_GT(with_notes, 15);
  EXPECT_LT(with_notes, 45);
}

// Where the picture differs from that of the same character with everything on the other side.
TEST(TurningCharacters, MarkWhatIsOnOneSideOnly) {
  constexpr std::uint64_t kCharacter = 0;  // the only one of a dataset of one
  const characters::Character swapped =
      characters::with_sides_swapped(characters::character_of(kCharacter));
  const auto plain = turning_characters(1, {48, 64});
  const auto masked = turning_characters(1, {48, 64}, /*with_masks=*/true);
  std::set<std::string> masks;  // their bytes
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed), again(seed);
    const Example example = get(masked->at(0, rng)), without = get(plain->at(0, again));
    EXPECT_EQ(example.target.pixels, without.target.pixels);
    EXPECT_TRUE(without.mask.empty());
    std::vector<std::vector<std::uint8_t>> of_views;
    for (const View& view : standard_views())
      of_views.push_back(difference_mask(example.target, seen_from(swapped, view.azimuth_deg)));
    EXPECT_NE(std::ranges::find(of_views, example.mask), of_views.end());
    EXPECT_GT(std::ranges::count(example.mask, 1), 0);
    EXPECT_LT(std::ranges::count(example.mask, 1), 48 * 64 / 3);
    masks.emplace(example.mask.begin(), example.mask.end());
  }
  EXPECT_GE(masks.size(), 4u);
}

}  // namespace
}  // namespace pirouette::train
