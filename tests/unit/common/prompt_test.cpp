// Prompts: what the template's slots become, and the specs and seeds of takes.

#include <gtest/gtest.h>

#include <set>

#include "common/job/recipe.h"

namespace pirouette {
namespace {

Recipe with_template(std::string text) {
  Recipe recipe;
  recipe.prompt = std::move(text);
  return recipe;
}

const View& view(std::string_view id) {
  for (const View& one : standard_views()) {
    if (one.id == id) return one;
  }
  ADD_FAILURE() << "no view " << id;
  return standard_views()[0];
}

TEST(Prompt, TheDefaultAsksForOneFullFigure) {
  const std::string prompt =
      make_prompt(parse_recipe("{}").value(), view("back"), "red cape", "hide the face");
  EXPECT_TRUE(prompt.starts_with("create a back view of this character, one single full-body"))
      << prompt;
  EXPECT_NE(prompt.find("no face, no front closures"), std::string::npos);
  EXPECT_NE(prompt.find("neutral standing pose, arms relaxed, pure white background"),
            std::string::npos);
  EXPECT_TRUE(prompt.ends_with("as the reference. red cape hide the face")) << prompt;
}

TEST(Prompt, TheDefaultBeginsWithTheTurnaroundLorasTrigger) {
  Recipe recipe = parse_recipe("{}").value();
  recipe.loras = {{"turnaround", 1.0, std::string(kTurnaroundTrigger)}};
  const std::string prompt = make_prompt(recipe, view("left"), "", "");
  EXPECT_TRUE(prompt.starts_with(
      "create turnaround sheet of this character, create a left side profile view of"))
      << prompt;
  EXPECT_TRUE(prompt.ends_with("line style as the reference.")) << prompt;
}

TEST(Prompt, EmptySlotsLeaveNoStrayCommaOrSpace) {
  const Recipe recipe =
      with_template("{triggers}, {view},  {identity_notes} , {correction}. {identity_notes}");
  EXPECT_EQ(make_prompt(recipe, view("front"), "", ""), "front view.");
  EXPECT_EQ(make_prompt(recipe, view("front"), "hat", ""), "front view, hat. hat");
  EXPECT_EQ(make_prompt(recipe, view("front"), "", "smile"), "front view, smile.");
}

TEST(Prompt, BracesInNotesAreNotSlots) {
  const Recipe recipe = with_template("{view}: {identity_notes}");
  EXPECT_EQ(make_prompt(recipe, view("front"), "{correction} {", "SECRET"),
            "front view: {correction} {");
}

TEST(Prompt, WhiteSpaceIsFolded) {
  const Recipe recipe = with_template("  {view}\n\n\tof   {identity_notes}  ");
  EXPECT_EQ(make_prompt(recipe, view("front"), "a\r\n b", ""), "front view of a b");
}

TEST(Prompt, TheSameTriggerOfTwoLorasStandsOnce) {
  Recipe recipe = with_template("{triggers}, {view}");
  recipe.loras = {{"a", 1, "one"}, {"b", 1, "two"}, {"c", 1, "one"}, {"d", 1, ""}};
  EXPECT_EQ(make_prompt(recipe, view("front"), "", ""), "one, two, front view");
}

TEST(RenderSpec, CarriesTheWholeRecipe) {
  Recipe recipe = parse_recipe(R"({"width": 64, "height": 96, "steps": 2, "guidance": 3.5,
      "true_cfg": 2, "negative_prompt": "blur", "reference_size": "keep", "model": "m",
      "loras": [{"name": "l", "scale": 0.5}], "max_sequence_length": 77,
      "step_cache": "reference=2"})")
                      .value();
  const Digest reference = sha256(std::string_view("picture"));
  const RenderSpec spec = make_render_spec(recipe, view("left"), reference, "n", "c", 42);
  EXPECT_EQ(spec.model, "m");
  EXPECT_EQ(spec.loras, recipe.loras);
  EXPECT_EQ(spec.prompt, make_prompt(recipe, view("left"), "n", "c"));
  EXPECT_EQ(spec.negative_prompt, "blur");
  EXPECT_EQ(spec.true_cfg, 2);
  EXPECT_EQ(spec.reference, reference);
  EXPECT_EQ(spec.reference_size, "keep");
  EXPECT_EQ(spec.width, 64);
  EXPECT_EQ(spec.height, 96);
  EXPECT_EQ(spec.steps, 2);
  EXPECT_EQ(spec.guidance, 3.5);
  EXPECT_EQ(spec.seed, 42u);
  EXPECT_EQ(spec.max_sequence_length, 77);
  EXPECT_EQ(spec.step_cache, (StepCache{2, {}}));
}

TEST(Seed, IsTheSameEverywhereAndForEver) {
  EXPECT_EQ(make_seed("knight", std::nullopt, "front", 1), 2751027087405689244u);
  EXPECT_EQ(make_seed("knight", 7, "front", 1), 7u);
  EXPECT_EQ(make_seed("knight", 7, "back", 2), 8u);
}

TEST(Seed, DiffersByCharacterViewAndTakeAndFits63Bits) {
  std::set<std::uint64_t> seeds;
  for (const std::string character : {"knight", "knigh", "robot"}) {
    for (const std::string id : {"front", "tfront", "back"}) {
      for (const std::uint32_t take : {1u, 2u, 11u}) {
        seeds.insert(make_seed(character, std::nullopt, id, take));
      }
    }
  }
  EXPECT_EQ(seeds.size(), 27u);
  EXPECT_LT(*seeds.rbegin(), 1ull << 63);
}

TEST(Seed, OfASheetWithItsOwnSeedDoesNotDependOnTheCharactersName) {
  EXPECT_EQ(make_seed("knight", 7, "front", 1), make_seed("robot", 7, "front", 1));
  EXPECT_NE(make_seed("7", std::nullopt, "front", 1), make_seed("7", 7, "front", 1));
}

}  // namespace
}  // namespace pirouette
