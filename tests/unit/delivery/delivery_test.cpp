// Names of what a studio takes home, and what the manifest tells.

#include "coordinator/delivery/delivery.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace pirouette::delivery {
namespace {

core::Batch make_batch(core::BatchState state) {
  Recipe recipe = parse_recipe(R"({"pose_set": "ortho4", "steps": 8})").value();
  core::Batch batch;
  batch.id = {7};
  batch.name = "night";
  batch.state = state;
  batch.recipe = std::make_shared<const Recipe>(std::move(recipe));
  return batch;
}

Sheet make_sheet(const core::Batch& batch, const std::string& character) {
  Sheet sheet;
  sheet.sheet.character = character;
  sheet.sheet.reference = sha256("reference");
  sheet.sheet.version = 2;
  sheet.sheet.picture = sha256("picture");
  sheet.sheet.thumbnail = sha256("thumbnail");
  for (std::uint32_t view = 0; view < batch.recipe->views.size(); ++view) {
    Pose pose;
    pose.pose.view = view;
    pose.latest.state = core::JobState::done;
    pose.latest.take = 1;
    pose.latest.seed = 1000 + view;
    pose.latest.result = sha256("view " + std::to_string(view));
    pose.latest.metrics = R"({"device": "cpu"})";
    pose.chosen = pose.latest;
    pose.worker = "gpu-1";
    sheet.poses.push_back(std::move(pose));
  }
  return sheet;
}

std::uint64_t hundred_bytes(const Digest&) { return 100; }

TEST(Delivery, NamesFilesByCharacterViewAndTake) {
  const core::Batch batch = make_batch(core::BatchState::finished);
  const Delivery made = make_delivery(batch, {make_sheet(batch, "knight")}, hundred_bytes);
  ASSERT_EQ(made.files.size(), 6u);
  EXPECT_EQ(made.files[0].path, "sheets/knight_v002.png");
  EXPECT_EQ(made.files[1].path, "thumbnails/knight_v002.png");
  EXPECT_EQ(made.files[2].path, "views/knight_" + batch.recipe->views[0].id + "_v001.png");
  EXPECT_TRUE(made.complete);
}

TEST(Delivery, AGapIsNamedAndMakesItIncomplete) {
  const core::Batch batch = make_batch(core::BatchState::finished);
  Sheet sheet = make_sheet(batch, "knight");
  sheet.poses[1].chosen.reset();
  sheet.poses[1].latest.state = core::JobState::failed;
  sheet.poses[1].latest.error = "out of memory";
  const Delivery made = make_delivery(batch, {sheet}, hundred_bytes);
  EXPECT_FALSE(made.complete);
  EXPECT_EQ(made.files.size(), 5u);
  const auto manifest = nlohmann::json::parse(made.manifest);
  const auto& told = manifest["sheets"][0];
  EXPECT_EQ(told["gaps"], nlohmann::json::array({batch.recipe->views[1].id}));
  EXPECT_EQ(told["views"][1]["error"], "out of memory");
  EXPECT_TRUE(told["views"][1]["file"].is_null());
}

TEST(Delivery, TheManifestTellsHowEachPictureWasMade) {
  const core::Batch batch = make_batch(core::BatchState::finished);
  const Delivery made = make_delivery(batch, {make_sheet(batch, "knight")}, hundred_bytes);
  const auto manifest = nlohmann::json::parse(made.manifest);
  EXPECT_EQ(manifest["recipe"]["steps"], 8);
  const auto& view = manifest["sheets"][0]["views"][0];
  EXPECT_EQ(view["seed"], 1000);
  EXPECT_EQ(view["worker"], "gpu-1");
  EXPECT_EQ(view["metrics"]["device"], "cpu");
  EXPECT_EQ(view["file"], made.files[2].path);
  EXPECT_FALSE(view["prompt"].get<std::string>().empty());
}

TEST(Delivery, ARunningBatchIsNotComplete) {
  const core::Batch batch = make_batch(core::BatchState::running);
  EXPECT_FALSE(make_delivery(batch, {make_sheet(batch, "knight")}, hundred_bytes).complete);
}

TEST(Delivery, NamesOfFilesAreUniqueAndKeepTheirScript) {
  const core::Batch batch = make_batch(core::BatchState::finished);
  std::vector<Sheet> sheets;
  for (const char* character : {"李", "a b", "A_b", "a:b", "a_b_4"}) {
    sheets.push_back(make_sheet(batch, character));
    sheets.back().sheet.index = static_cast<std::uint32_t>(sheets.size() - 1);
  }
  const Delivery made = make_delivery(batch, sheets, hundred_bytes);
  std::vector<std::string> names;
  for (const File& file : made.files) {
    if (file.kind == FileKind::sheet) names.push_back(file.path);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"sheets/李_v002.png", "sheets/a_b_v002.png",
                                             "sheets/A_b_3_v002.png", "sheets/a_b_4_v002.png",
                                             "sheets/a_b_4_5_v002.png"}));
  EXPECT_EQ(nlohmann::json::parse(made.manifest)["sheets"][2]["file"], names[2]);
}

TEST(Delivery, VersionsHaveAtLeastThreeDigits) {
  EXPECT_EQ(version_tag(1), "v001");
  EXPECT_EQ(version_tag(12345), "v12345");
}

}  // namespace
}  // namespace pirouette::delivery
