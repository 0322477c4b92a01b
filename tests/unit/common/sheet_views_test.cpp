// Sheets with views of their own: what the batch's recipe becomes, and what is refused.

#include "common/job/sheet_views.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace pirouette {
namespace {

using nlohmann::json;
using Places = std::vector<std::uint32_t>;

json batch_of(const json& recipe, const std::vector<json>& pose_sets) {
  json batch{{"name", "night"}, {"recipe", recipe}, {"sheets", json::array()}};
  for (std::size_t i = 0; i < pose_sets.size(); ++i) {
    json sheet{{"character", "c" + std::to_string(i)}, {"reference", std::string(64, 'a')}};
    if (!pose_sets[i].is_null()) sheet["pose_set"] = pose_sets[i];
    batch["sheets"].push_back(sheet);
  }
  return batch;
}

BatchSpec parsed(const json& batch) {
  Result<BatchSpec> spec = parse_batch(batch.dump());
  EXPECT_TRUE(spec.ok()) << spec.error().what;
  return spec.ok() ? std::move(spec).value() : BatchSpec();
}

std::string complaint(const json& batch) {
  const Result<BatchSpec> spec = parse_batch(batch.dump());
  EXPECT_FALSE(spec.ok());
  return spec.ok() ? "" : spec.error().what;
}

std::vector<int> azimuths(const Recipe& recipe) {
  std::vector<int> all;
  for (const View& view : recipe.views) all.push_back(view.azimuth_deg);
  return all;
}

json own_view(const std::string& id, int azimuth) {
  return {{"id", id}, {"azimuth", azimuth}, {"name", "a view"}};
}

TEST(SheetViews, ARecipeThatAllUseWholeStaysAsItIs) {
  for (const json& wanted : {json(), json("std6")}) {
    const BatchSpec batch = parsed(batch_of(json::object(), {wanted, json()}));
    EXPECT_EQ(batch.recipe, parse_recipe("{}").value());
    EXPECT_EQ(batch.sheets[0].views, Places());
    EXPECT_EQ(batch.sheets[1].views, Places());
  }
}

TEST(SheetViews, TheRecipeGrowsByAzimuthToWhatSheetsAskFor) {
  const BatchSpec batch = parsed(
      batch_of(json::object(), {json(), "turn5", {"back", "front"}, {"q_back_right", "left"}}));
  EXPECT_EQ(batch.recipe.pose_set, "game8");
  EXPECT_EQ(azimuths(batch.recipe), (std::vector<int>{0, 45, 90, 135, 180, 225, 270, 315}));
  EXPECT_EQ(batch.sheets[0].views, (Places{0, 1, 2, 4, 6, 7}));
  EXPECT_EQ(batch.sheets[1].views, (Places{0, 1, 2, 3, 4}));
  EXPECT_EQ(batch.sheets[2].views, (Places{0, 4})) << "rising";
  EXPECT_EQ(batch.sheets[3].views, (Places{2, 5}));
}

TEST(SheetViews, ViewsThatNobodyAsksForAreNotTheBatchs) {
  const BatchSpec batch = parsed(batch_of(json::object(), {{"front", "back"}, {"front"}}));
  EXPECT_EQ(batch.recipe.pose_set, "custom");
  EXPECT_EQ(azimuths(batch.recipe), (std::vector<int>{0, 180}));
  EXPECT_EQ(batch.sheets[0].views, Places());
  EXPECT_EQ(batch.sheets[1].views, Places{0});
  EXPECT_EQ(parsed(batch_of(json::object(), {"turn5", "turn5"})).recipe.pose_set, "turn5");
}

TEST(SheetViews, TheRecipesOwnViewsCountBeforeTheStandardOnes) {
  const json recipe{{"pose_set", {own_view("heroic", 20), own_view("low", 10)}}};
  const BatchSpec batch = parsed(batch_of(recipe, {json(), {"heroic", "back"}}));
  ASSERT_EQ(azimuths(batch.recipe), (std::vector<int>{10, 20, 180}));
  EXPECT_EQ(batch.sheets[0].views, (Places{0, 1}));
  EXPECT_EQ(batch.sheets[1].views, (Places{1, 2}));
}

TEST(SheetViews, WhatIsWrittenIsWhatIsRead) {
  json batch = batch_of(json::object(), {json(), "turn5", {"back"}});
  batch["sheets"][1]["priority"] = 90;
  batch["sheets"][2]["original"] = std::string(64, 'b');
  const BatchSpec spec = parsed(batch);
  EXPECT_EQ(spec.sheets[1].priority, 90);
  EXPECT_EQ(spec.sheets[0].priority, std::nullopt);
  EXPECT_EQ(to_hex(spec.sheets[2].original), std::string(64, 'b'));
  const Result<BatchSpec> again = parse_batch(to_json(spec));
  ASSERT_TRUE(again.ok()) << again.error().what;
  EXPECT_EQ(again.value().recipe, spec.recipe);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(again.value().sheets[i].views, spec.sheets[i].views);
    EXPECT_EQ(again.value().sheets[i].priority, spec.sheets[i].priority);
    EXPECT_EQ(again.value().sheets[i].original, spec.sheets[i].original);
  }
  EXPECT_EQ(to_json(again.value()), to_json(spec));
}

TEST(SheetViews, MistakesAreNamedWithTheirPlaces) {
  json batch = batch_of(json::object(), {"std7", {"frnt"}, {"back", "back"}, json::array(), 7});
  batch["sheets"][0]["priority"] = 101;
  batch["sheets"][1]["original"] = "short";
  const std::string said = complaint(batch);
  for (const std::string words :
       {"sheets[0].pose_set cannot be used: there is no pose set \"std7\"; there are std6, turn5",
        "sheets[1].pose_set cannot be used: there is no view \"frnt\"; there are front, q_left",
        "sheets[2].pose_set cannot be used: the view \"back\" is named twice",
        "sheets[3].pose_set cannot be used: names no view",
        "sheets[4].pose_set cannot be used: must be",
        "sheets[0].priority must be a whole number from 0 to 100, not 101",
        "sheets[1].original must be the SHA-256"}) {
    EXPECT_NE(said.find(words), std::string::npos) << words << "\nnot in: " << said;
  }
}

TEST(SheetViews, ASetWhoseViewTheRecipeDefinesOtherwiseIsAConflict) {
  const json recipe{{"pose_set", {own_view("front", 10)}}};
  EXPECT_NE(complaint(batch_of(recipe, {"std6"}))
                .find("sheets[0].pose_set cannot be used: \"std6\" has a view \"front\" that the "
                      "recipe defines otherwise"),
            std::string::npos);
  EXPECT_EQ(azimuths(parsed(batch_of(recipe, {{"front", "back"}})).recipe),
            (std::vector<int>{10, 180}));
}

TEST(SheetViews, ABatchHasNoMoreViewsThanARecipeMayHave) {
  json views = json::array();
  for (std::size_t i = 0; i < kPoseSetMaxViews; ++i) {
    views.push_back(own_view("v" + std::to_string(i), static_cast<int>(i)));
  }
  EXPECT_NE(complaint(batch_of({{"pose_set", views}}, {json(), {"front"}})).find("65 different"),
            std::string::npos);
}

TEST(SheetViews, APromptForOneViewIsNoneForTwo) {
  const json recipe{{"pose_set", {own_view("only", 0)}}, {"prompt", "a knight"}};
  EXPECT_NE(complaint(batch_of(recipe, {json(), {"back"}})).find("neither {view} nor"),
            std::string::npos);
}

}  // namespace
}  // namespace pirouette
