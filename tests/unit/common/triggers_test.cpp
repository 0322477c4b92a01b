// LoRAs whose words are missing from the prompt.

#include "common/job/triggers.h"

#include <gtest/gtest.h>

namespace pirouette {
namespace {

Recipe recipe_of(std::vector<RecipeLora> loras, const std::string& prompt) {
  Recipe recipe;
  recipe.loras = std::move(loras);
  recipe.prompt = prompt;
  recipe.views = named_pose_set("ortho4").value();
  return recipe;
}

TEST(Triggers, WhatIsRegisteredCountsWhereTheRecipeSaysNothing) {
  const RegisteredTriggers registered{{"ink", "ink  wash"}};
  const auto missing = find_missing_triggers(recipe_of({{"ink", 1, ""}}, "a {view}"), registered);
  ASSERT_EQ(missing.size(), 1u);
  EXPECT_EQ(
      missing[0],
      "the LoRA ink was trained on the words \"ink wash\", which are not in the prompt, so it "
      "may do nothing: give it them as its trigger in the recipe");
  EXPECT_TRUE(
      find_missing_triggers(recipe_of({{"ink", 1, ""}}, "an ink wash {view}"), registered).empty());
  EXPECT_TRUE(
      find_missing_triggers(recipe_of({{"ink", 1, "ink wash"}}, "{triggers} {view}"), registered)
          .empty());
  EXPECT_TRUE(find_missing_triggers(recipe_of({{"ink", 1, ""}}, "a {view}"), {}).empty());
}

TEST(Triggers, ATurnaroundLoraThatIsNotRegisteredHasTheUsualWords) {
  const Recipe recipe = recipe_of({{"My-Turnaround", 1, ""}}, "a {view}");
  EXPECT_EQ(find_missing_triggers(recipe, {}).size(), 1u);
  EXPECT_TRUE(find_missing_triggers(recipe, {{"My-Turnaround", ""}}).empty())
      << "registered without words, it needs none";
}

TEST(Triggers, EachLoraIsToldOfOnce) {
  const auto missing =
      find_missing_triggers(recipe_of({{"a", 1, ""}, {"b", 1, ""}, {"c", 1, ""}}, "b's {view}"),
                            {{"a", "a's"}, {"b", "b's"}, {"c", "c's"}});
  ASSERT_EQ(missing.size(), 2u);
  EXPECT_NE(missing[0].find("LoRA a "), std::string::npos);
  EXPECT_NE(missing[1].find("LoRA c "), std::string::npos);
}

}  // namespace
}  // namespace pirouette
