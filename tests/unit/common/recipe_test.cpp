// Recipes as text: defaults, canonical form, and what is said about mistakes and hostile bytes.

#include "common/job/recipe.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace pirouette {
namespace {

using nlohmann::json;

Recipe parsed(std::string_view text) {
  Result<Recipe> recipe = parse_recipe(text);
  EXPECT_TRUE(recipe.ok()) << recipe.error().what;
  return recipe.ok() ? std::move(recipe).value() : Recipe{};
}

std::string complaint(std::string_view text) {
  const Result<Recipe> recipe = parse_recipe(text);
  EXPECT_FALSE(recipe.ok()) << text.substr(0, 200);
  if (recipe.ok()) return "";
  EXPECT_EQ(recipe.error().code, Errc::invalid);
  return recipe.error().what;
}

#define EXPECT_SAYS(text, words) \
  EXPECT_NE(complaint(text).find(words), std::string::npos) << complaint(text)

std::vector<int> azimuths(const Recipe& recipe) {
  std::vector<int> out;
  for (const View& view : recipe.views) out.push_back(view.azimuth_deg);
  return out;
}

TEST(Recipe, AnEmptyObjectIsTheCraftsDefaults) {
  const Recipe recipe = parsed("{}");
  EXPECT_EQ(recipe.model, "flux1-kontext-dev");
  EXPECT_EQ(recipe.width, 832);
  EXPECT_EQ(recipe.height, 1248);
  EXPECT_EQ(recipe.steps, 24);
  EXPECT_EQ(recipe.guidance, 2.5);
  EXPECT_EQ(recipe.prompt, default_prompt_template());
  EXPECT_EQ(azimuths(recipe), (std::vector<int>{0, 45, 90, 180, 270, 315}));
}

TEST(Recipe, EveryNamedPoseSetHasItsAzimuths) {
  EXPECT_EQ(azimuths(parsed(R"({"pose_set": "turn5"})")), (std::vector<int>{0, 45, 90, 135, 180}));
  EXPECT_EQ(azimuths(parsed(R"({"pose_set": "ortho4"})")), (std::vector<int>{0, 90, 180, 270}));
  EXPECT_EQ(azimuths(parsed(R"({"pose_set": "game8"})")),
            (std::vector<int>{0, 45, 90, 135, 180, 225, 270, 315}));
  EXPECT_EQ(pose_set_names(), (std::vector<std::string>{"std6", "turn5", "ortho4", "game8"}));
}

TEST(Recipe, FacingScreenLeftShowsTheSubjectsLeftSide) {
  for (const View& view : standard_views()) {
    const std::string shown = view.faces_screen == "viewer" ? "front"
                              : view.faces_screen == "away" ? "back"
                                                            : view.faces_screen;
    EXPECT_EQ(view.shows_side, shown) << view.id;
  }
  EXPECT_EQ(standard_views()[2].id, "left");
  EXPECT_EQ(standard_views()[2].faces_screen, "left");
}

TEST(Recipe, ACustomPoseSetDerivesSidesThatAreLeftOut) {
  const Recipe recipe = parsed(R"({"pose_set": [
      {"id": "hero", "azimuth": 20, "name": "hero view", "geometry": "turned a little"},
      {"id": "rear", "azimuth": 170, "name": "rear view"},
      {"id": "odd", "azimuth": 300, "name": "odd view", "faces_screen": "viewer"}]})");
  ASSERT_EQ(recipe.views.size(), 3u);
  EXPECT_EQ(recipe.pose_set, "custom");
  EXPECT_EQ(recipe.views[0].shows_side, "front");
  EXPECT_EQ(recipe.views[1].faces_screen, "away");
  EXPECT_EQ(recipe.views[2].shows_side, "right");
  EXPECT_EQ(recipe.views[2].faces_screen, "viewer");
}

TEST(Recipe, WhatIsWrittenIsReadBackExactly) {
  const std::vector<std::string> texts = {
      "{}",
      R"({"pose_set": "game8", "guidance": 0.1, "true_cfg": 3.3, "negative_prompt": "blur"})",
      R"({"loras": [{"name": "turnaround", "scale": -0.30000000000000004,
          "trigger": "create turnaround sheet of this character"}], "stance": "a_pose"})",
      R"({"pose_set": [{"id": "a", "azimuth": 359, "name": "n \"q\" ü\n", "geometry": "g"}],
          "reference_size": "1024x768", "prompt": "{view}\t{correction} ende",
          "step_cache": "skip=4+9,reference=3"})",
      R"({"requires": ["80gb", "a.b-c_D"], "proof": "front", "held": "fill_idle"})",
  };
  for (const std::string& text : texts) {
    const Recipe recipe = parsed(text);
    const std::string canonical = to_json(recipe);
    EXPECT_EQ(parsed(canonical), recipe) << canonical;
    EXPECT_EQ(to_json(parsed(canonical)), canonical);
  }
}

TEST(Recipe, ANamedSetWhoseViewsWereChangedIsWrittenAsItsViews) {
  Recipe recipe = parsed("{}");
  recipe.views.resize(2);
  EXPECT_EQ(parsed(to_json(recipe)).views, recipe.views);
}

TEST(Recipe, EveryMistakeIsNamedInOneErrorWithWhatIsAllowed) {
  const std::string said = complaint(R"({"width": 100, "steps": 0, "guidance": "much",
      "pose_set": "std7", "stance": "sitting", "stpes": 3, "reference_size": "12x12",
      "loras": [{"scale": 99}], "step_cache": "reference=0"})");
  for (const std::string words :
       {"recipe.width must be a multiple of 16 from 64 to 4096, not 100",
        "recipe.steps must be a whole number from 1 to 200, not 0",
        "recipe.guidance must be a number from 0 to 30, not \"much\"",
        "recipe.pose_set must be one of std6, turn5, ortho4, game8",
        "recipe.stance must be one of neutral, a_pose, t_pose, not \"sitting\"",
        "recipe has the unknown field \"stpes\" (allowed: ", "recipe.reference_size must be auto",
        "recipe.step_cache is wrong: step cache \"reference=0\": write off, reference=N",
        "recipe.loras[0].name is missing", "recipe.loras[0].scale must be a number from -4 to 4"}) {
    EXPECT_NE(said.find(words), std::string::npos) << words << "\nnot in: " << said;
  }
}

TEST(Recipe, MayAskForTagsAndAProof) {
  const Recipe recipe = parsed(R"({"requires": ["80gb"], "proof": "back", "held": "fill_idle"})");
  EXPECT_EQ(recipe.required_tags, std::vector<std::string>{"80gb"});
  EXPECT_EQ(recipe.proof, "back");
  EXPECT_TRUE(recipe.held_fills_idle);
  EXPECT_FALSE(parsed(R"({"proof": "back", "held": "wait"})").held_fills_idle);
  EXPECT_SAYS(R"({"proof": "hero"})", "recipe.proof must be one of the recipe's views (front, ");
  EXPECT_SAYS(R"({"proof": "hero"})", "not \"hero\"");
  EXPECT_SAYS(R"({"held": "fill_idle"})", "recipe.held counts only with a proof");
  EXPECT_SAYS(R"({"proof": "back", "held": "never"})",
              "recipe.held must be one of wait, fill_idle");
  for (const char* tags : {R"(["80 gb"])", R"([""])", R"([7])"}) {
    EXPECT_SAYS("{\"requires\": " + std::string(tags) + "}",
                "recipe.requires must be tags that workers were given with --tag");
  }
  EXPECT_SAYS(R"({"requires": "80gb"})", "recipe.requires must be");
}

TEST(Recipe, AStepCacheSkipsNoStepThatIsNotThere) {
  EXPECT_EQ(parsed(R"({"step_cache": "skip=24"})").step_cache, (StepCache{1, {24}}));
  EXPECT_NE(complaint(R"({"step_cache": "skip=8+25"})").find("skips step 25 of 24"),
            std::string::npos);
}

TEST(Recipe, ALoraMayNameItsBytes) {
  const std::string digest(64, 'a');
  const Recipe recipe =
      parsed(R"({"loras": [{"name": "t", "sha256": ")" + digest + R"(", "bytes": 7}]})");
  EXPECT_EQ(to_hex(recipe.loras[0].sha256), digest);
  EXPECT_EQ(recipe.loras[0].bytes, 7u);
  EXPECT_EQ(parsed(to_json(recipe)), recipe);
  EXPECT_EQ(to_json(parsed(R"({"loras": [{"name": "t"}]})")).find("sha256"), std::string::npos);
  EXPECT_SAYS(R"({"loras": [{"name": "t", "sha256": "abc"}]})",
              "recipe.loras[0].sha256 must be the SHA-256 of a registered LoRA");
  EXPECT_SAYS(R"({"loras": [{"name": "t", "bytes": 7}]})", "leave both out");
}

TEST(Recipe, MistakesBeyondTheFirstTwentyAreCounted) {
  json recipe;
  for (int i = 0; i < 50; ++i) recipe["field" + std::to_string(i)] = i;
  EXPECT_SAYS(recipe.dump(), "and 30 more mistakes");
}

TEST(Recipe, ATriggerMustHaveAPlaceInThePrompt) {
  const std::string lora = R"("loras": [{"name": "t", "trigger": "magic words"}])";
  EXPECT_SAYS("{" + lora + R"(, "prompt": "a {view}"})", "put {triggers} where");
  parsed("{" + lora + R"(, "prompt": "magic words, a {view}"})");
  parsed("{" + lora + R"(, "prompt": "{triggers} {geometry}"})");
}

TEST(Recipe, APromptThatIsTheSameForEveryViewIsRefused) {
  EXPECT_SAYS(R"({"prompt": "a knight"})", "neither {view} nor {geometry}");
  EXPECT_SAYS(R"({"prompt": "a {veiw} of {view}"})", "{veiw}");
  EXPECT_SAYS(R"({"prompt": "{view} and {"})", "is no slot");
}

TEST(Recipe, ANegativePromptNeedsATrueCfg) {
  EXPECT_SAYS(R"({"negative_prompt": "blurry"})", "true_cfg above 1");
  parsed(R"({"negative_prompt": "blurry", "true_cfg": 2})");
}

TEST(Recipe, TheSameIdOrLoraTwiceIsRefused) {
  const std::string view = R"({"id": "a", "azimuth": 0, "name": "n"})";
  EXPECT_SAYS(R"({"pose_set": [)" + view + "," + view + "]}", "pose_set[1].id is \"a\" a second");
  EXPECT_SAYS(R"({"loras": [{"name": "x"}, {"name": "x"}]})", "loras[1].name is \"x\" a second");
  EXPECT_SAYS(R"({"pose_set": []})", "array of 1 to 64 elements, not 0 elements");
}

TEST(Recipe, AFieldGivenTwiceIsRefused) {
  EXPECT_SAYS(R"({"steps": 4, "steps": 40})", "the field \"steps\" twice");
}

TEST(Recipe, DeepNestingIsRefusedWithoutFollowingIt) {
  EXPECT_SAYS(std::string(200'000, '['), "nested deeper than 16");
  EXPECT_SAYS(R"({"loras": )" + std::string(100'000, '[') + std::string(100'000, ']') + "}",
              "nested deeper than 16");
  std::string objects;
  for (int i = 0; i < 50'000; ++i) objects += R"({"a":)";
  EXPECT_SAYS(objects + "1" + std::string(50'000, '}'), "nested deeper than 16");
}

TEST(Recipe, NumbersThatDoNotFitAreRefused) {
  EXPECT_SAYS(R"({"guidance": 1e400})", "too large");
  EXPECT_SAYS(R"({"guidance": NaN})", "not JSON");
  EXPECT_SAYS(R"({"guidance": -Infinity})", "not JSON");
  EXPECT_SAYS(R"({"steps": 4294967300})", "whole number from 1 to 200");
  EXPECT_SAYS(R"({"steps": 18446744073709551617})", "whole number");
  EXPECT_SAYS(R"({"steps": -9223372036854775808})", "whole number");
  EXPECT_SAYS(R"({"steps": 4.0})", "whole number");
  EXPECT_SAYS(R"({"steps": true})", "whole number");
}

TEST(Recipe, BytesThatAreNotUtf8AreRefusedAndNotQuoted) {
  const std::string said = complaint("{\"model\": \"\xff\xfe\"}");
  EXPECT_NE(said.find("UTF-8"), std::string::npos) << said;
  EXPECT_EQ(said.find('\xff'), std::string::npos);
  EXPECT_SAYS(R"({"prompt": "\ud800 {view}"})", "UTF-8");
  EXPECT_SAYS(std::string("{\"prompt\": \"a\0b\"}", 17), "not JSON");
  EXPECT_SAYS(R"({"prompt": "a\u0000b {view}"})", "control characters");
}

TEST(Recipe, ALongValueIsQuotedShortAndWhole) {
  std::string umlauts;
  for (int i = 0; i < 500; ++i) umlauts += "ü";
  const std::string said = complaint(R"({"stance": ")" + umlauts + R"("})");
  EXPECT_LT(said.size(), 300u);
  EXPECT_NO_THROW(json(said).dump()) << "the message must be UTF-8 itself";
}

TEST(Recipe, OtherThanAnObjectIsRefused) {
  for (const std::string text : {"", "null", "[]", "3", "\"recipe\"", "{} {}"}) {
    EXPECT_FALSE(complaint(text).empty()) << text;
  }
  EXPECT_SAYS("{\n  \"steps\": ,\n}", "line 2, column 12");
}

TEST(Recipe, TextsLongerThanTheirLimitAreRefused) {
  EXPECT_SAYS(R"({"prompt": "{view} )" + std::string(kPromptMaxBytes, 'x') + "\"}", "at most 8192");
  EXPECT_SAYS(std::string(kRecipeMaxBytes + 1, ' '), "at most 1048576");
}

}  // namespace
}  // namespace pirouette
