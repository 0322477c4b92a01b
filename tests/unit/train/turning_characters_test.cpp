// Drawn examples: the same for the same chances, under the product's own prompts.

#include "worker/train/turning_characters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/job/recipe.h"
#include "tests/unit/train/training_fixture.h"
#include "worker/flux/reference.h"

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

TEST(TurningCharacters, SayWhatTheFarmSays) {
  const auto dataset = turning_characters(100, {48, 64});
  const std::vector<std::string> prompts = dataset->prompts();
  EXPECT_EQ(std::set<std::string>(prompts.begin(), prompts.end()).size(), 8u);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    Rng rng(seed);
    const Example example = get(dataset->at(0, rng));
    EXPECT_TRUE(std::ranges::find(prompts, example.prompt) != prompts.end());
    EXPECT_NE(example.prompt.find(kTurnaroundTrigger), std::string::npos);
    // The front is the reference itself.
    if (example.prompt == prompts.front()) {
      EXPECT_EQ(example.reference.pixels, example.target.pixels);
    }
  }
}

}  // namespace
}  // namespace pirouette::train
