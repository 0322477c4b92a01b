// Drawn examples: the same for the same chances, under the product's own prompts.

#include "worker/train/turning_characters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/job/recipe.h"
#include "tests/unit/train/training_fixture.h"
#include "worker/flux/reference.h"
#include "worker/train/characters/character.h"

namespace pirouette::train {
namespace {

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

// Of someone with a shield, the mask has the places where it is and where it is not, and little of
// the rest.
TEST(TurningCharacters, MarkWhatIsOnOneSideOnly) {
  const auto dataset = turning_characters(40, {48, 64});
  constexpr double kPixels = 48 * 64;
  double marked = 0, most = 0;
  constexpr int kExamples = 60;
  for (std::uint64_t seed = 0; seed < kExamples; ++seed) {
    Rng rng(seed);
    const Example example = get(dataset->at(0, rng));
    ASSERT_EQ(example.mask.size(), kPixels);
    const double share = static_cast<double>(std::ranges::count(example.mask, 1)) / kPixels;
    marked += share / kExamples;
    most = std::max(most, share);
    // White ground is marked only where the thing would be on the other side.
    EXPECT_EQ(example.mask.front(), 0);
  }
  EXPECT_GT(marked, 0.01);
  EXPECT_LT(most, 0.4);
}

}  // namespace
}  // namespace pirouette::train
