// Names of what a studio takes home, and what the manifest tells.

#include "coordinator/delivery/delivery.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coordinator/delivery/metrics.h"
#include "tests/support/json_schema.h"

namespace pirouette::delivery {
namespace {

using nlohmann::json;

const std::string kModelHash(64, 'a'), kLoraHash(64, 'b'), kTensorsHash(64, 'c');

core::Batch make_batch(core::BatchState state) {
  Recipe recipe = parse_recipe(R"({"pose_set": "ortho4", "steps": 8, "true_cfg": 2,
    "negative_prompt": "blurry", "loras": [{"name": "turnaround", "scale": 0.8}]})")
                      .value();
  core::Batch batch;
  batch.id = {7};
  batch.name = "night";
  batch.state = state;
  batch.recipe = std::make_shared<const Recipe>(std::move(recipe));
  return batch;
}

core::Job make_job(std::uint64_t id, std::uint32_t take, const std::string& picture) {
  core::Job job;
  job.id = {id};
  job.take = take;
  job.state = core::JobState::done;
  job.seed = 1000 + id;
  job.attempts = 2;
  job.queued_at = Instant{1'000'000};
  job.leased_at = Instant{2'000'000};
  job.ended_at = Instant{3'500'000};
  job.result = sha256(picture);
  job.metrics =
      json{{"device", "cuda"},
           {"device_name", "NVIDIA H100"},
           {"dtype", "bfloat16"},
           {"build", "libtorch 2"},
           {"render_seconds", 1.25},
           {"model_hash", kModelHash},
           {"loras",
            {{{"name", "turnaround"}, {"sha256", kLoraHash}, {"tensors_sha256", kTensorsHash}}}}}
          .dump();
  return job;
}

Sheet make_sheet(const core::Batch& batch, const std::string& character) {
  Sheet sheet;
  sheet.sheet.character = character;
  sheet.sheet.notes = "red cape";
  sheet.sheet.reference = sha256("reference");
  sheet.sheet.version = 2;
  sheet.sheet.picture = sha256("picture");
  sheet.sheet.thumbnail = sha256("thumbnail");
  sheet.sheet.checks = R"([{"view": "back", "flag": "border", "detail": "cut off"}])";
  for (std::uint32_t view = 0; view < batch.recipe->views.size(); ++view) {
    Pose pose;
    pose.pose.view = view;
    pose.latest = make_job(view, 1, "view " + std::to_string(view));
    pose.chosen = pose.latest;
    pose.takes = {{pose.latest, "gpu-1"}};
    sheet.poses.push_back(std::move(pose));
  }
  return sheet;
}

void make_gap(Pose& pose, const std::string& error) {
  pose.chosen.reset();
  pose.latest.state = core::JobState::failed;
  pose.latest.error = error;
  pose.latest.result = {};
  pose.takes = {{pose.latest, "gpu-2"}};
}

std::uint64_t hundred_bytes(const Digest&) { return 100; }

json manifest_of(const core::Batch& batch, const std::vector<Sheet>& sheets) {
  const json manifest = json::parse(make_delivery(batch, sheets, hundred_bytes).manifest);
  static const testing::JsonSchema schema(std::filesystem::path(PIROUETTE_SOURCE_DIR) /
                                          "schema/manifest.schema.json");
  EXPECT_EQ(schema.faults(manifest), "");
  return manifest;
}

TEST(Delivery, NamesFilesByCharacterViewAndTake) {
  const core::Batch batch = make_batch(core::BatchState::finished);
  const Delivery made = make_delivery(batch, {make_sheet(batch, "knight")}, hundred_bytes);
  ASSERT_EQ(made.files.size(), 6u);
  EXPECT_EQ(made.files[0].path, "sheets/knight_v002.png");
  EXPECT_EQ(made.files[1].path, "thumbnails/knight_v002.png");
  EXPECT_EQ(made.files[2].path, "views/knight_" + batch.recipe->views[0].id + "_v001.png");
  EXPECT_TRUE(made.complete);
}

TEST(Delivery, AGapIsNamedWithItsReasonAndMakesItIncomplete) {
  const core::Batch batch = make_batch(core::BatchState::finished);
  Sheet sheet = make_sheet(batch, "knight");
  make_gap(sheet.poses[1], "out of memory");
  make_gap(sheet.poses[2], "");
  sheet.poses[2].latest.state = core::JobState::queued;
  const Delivery made = make_delivery(batch, {sheet}, hundred_bytes);
  EXPECT_FALSE(made.complete);
  EXPECT_EQ(made.files.size(), 4u);
  const json told = manifest_of(batch, {sheet})["sheets"][0];
  EXPECT_EQ(told["gaps"], json::parse(R"([{"view": "left", "reason": "out of memory"},
                            {"view": "back", "reason": "it is not rendered yet"}])"));
  EXPECT_EQ(told["views"][1]["error"], "out of memory");
  EXPECT_EQ(told["views"][1]["worker"], "gpu-2");
  EXPECT_TRUE(told["views"][1]["file"].is_null());
}

TEST(Delivery, TheManifestTellsHowEachPictureWasMade) {
  const core::Batch batch = make_batch(core::BatchState::finished);
  const Delivery made = make_delivery(batch, {make_sheet(batch, "knight")}, hundred_bytes);
  const json manifest = manifest_of(batch, {make_sheet(batch, "knight")});
  EXPECT_EQ(manifest["format"], 2);
  EXPECT_EQ(manifest["recipe"]["steps"], 8);
  const json& sheet = manifest["sheets"][0];
  EXPECT_EQ(sheet["sheet"], json::parse(R"({"file": "sheets/knight_v002.png", "bytes": 100,
    "sha256": ")" + to_hex(sha256("picture")) +
                                        "\"}"));
  EXPECT_EQ(sheet["thumbnail"]["file"], "thumbnails/knight_v002.png");
  EXPECT_EQ(sheet["original"], sheet["reference"]) << "nothing was cut";
  Sheet cut = make_sheet(batch, "knight");
  cut.sheet.original = sha256("as it was sent");
  EXPECT_EQ(manifest_of(batch, {cut})["sheets"][0]["original"], to_hex(sha256("as it was sent")));
  const json& view = sheet["views"][2];
  EXPECT_EQ(view["file"], made.files[4].path);
  EXPECT_EQ(view["sha256"], to_hex(made.files[4].digest));
  EXPECT_EQ(view["bytes"], 100);
  EXPECT_EQ(view["seed"], 1002);
  EXPECT_NE(view["prompt"].get<std::string>().find("red cape"), std::string::npos);
  EXPECT_EQ(view["negative_prompt"], "blurry");
  EXPECT_EQ(view["steps"], 8);
  EXPECT_EQ(view["width"], 832);
  EXPECT_EQ(view["model"]["sha256"], kModelHash);
  EXPECT_EQ(view["loras"][0],
            json::parse(R"({"name": "turnaround", "scale": 0.8, "sha256": ")" + kLoraHash +
                        R"(", "tensors_sha256": ")" + kTensorsHash + "\"}"));
  EXPECT_EQ(view["reference"], to_hex(sha256("reference")));
  EXPECT_EQ(view["worker"], "gpu-1");
  EXPECT_EQ(view["device"]["name"], "NVIDIA H100");
  EXPECT_EQ(view["attempts"], 2);
  EXPECT_EQ(view["started_at"], "1970-01-01T00:00:02.000Z");
  EXPECT_EQ(view["finished_at"], "1970-01-01T00:00:03.500Z");
  EXPECT_EQ(view["render_seconds"], 1.25);
  EXPECT_EQ(view["checks"], json::parse(R"([{"flag": "border", "detail": "cut off"}])"));
  EXPECT_EQ(sheet["views"][0]["checks"], json::array());
  EXPECT_EQ(view["takes"], json::array());
}

TEST(Delivery, ARerolledPoseKeepsItsOtherTakes) {
  const core::Batch batch = make_batch(core::BatchState::finished);
  Sheet sheet = make_sheet(batch, "knight");
  Pose& pose = sheet.poses[2];
  pose.latest = make_job(90, 2, "second");
  pose.latest.correction = "boots are black";
  pose.chosen = pose.latest;
  pose.takes.push_back({pose.latest, "gpu-9"});
  const json view = manifest_of(batch, {sheet})["sheets"][0]["views"][2];
  EXPECT_EQ(view["file"], "views/knight_back_v002.png");
  EXPECT_EQ(view["take"], 2);
  EXPECT_EQ(view["worker"], "gpu-9");
  EXPECT_EQ(view["correction"], "boots are black");
  ASSERT_EQ(view["takes"].size(), 1u);
  EXPECT_EQ(view["takes"][0]["take"], 1);
  EXPECT_EQ(view["takes"][0]["seed"], 1002);
  EXPECT_EQ(view["takes"][0]["sha256"], to_hex(sha256("view 2")));
}

TEST(Delivery, MetricsOfAnOldOrBrokenWorkerAreLeftOut) {
  const core::Batch batch = make_batch(core::BatchState::finished);
  Sheet sheet = make_sheet(batch, "knight");
  const std::vector<std::string> odd = {
      "", "[]", R"({"device": 7, "model_hash": "short", "loras": [1, {"name": 2}]})",
      R"({"render_seconds": "long", "loras": {"a": 1}})"};
  for (std::size_t i = 0; i < odd.size(); ++i) {
    sheet.poses[i].latest.metrics = odd[i];
    sheet.poses[i].chosen = sheet.poses[i].latest;
    sheet.poses[i].takes = {{sheet.poses[i].latest, ""}};
  }
  const json told = manifest_of(batch, {sheet})["sheets"][0];
  for (const json& view : told["views"]) {
    EXPECT_TRUE(view["model"]["sha256"].is_null());
    EXPECT_TRUE(view["loras"][0]["sha256"].is_null());
    EXPECT_EQ(view["loras"][0]["scale"], 0.8);
    EXPECT_TRUE(view["render_seconds"].is_null());
    EXPECT_TRUE(view["worker"].is_null());
  }
}

TEST(Delivery, ASheetWithoutAPictureYetFitsTheSchemaToo) {
  const core::Batch batch = make_batch(core::BatchState::running);
  Sheet sheet = make_sheet(batch, "knight");
  sheet.sheet.version = 0;
  sheet.sheet.picture = sheet.sheet.thumbnail = {};
  sheet.sheet.checks = "";
  for (Pose& pose : sheet.poses) {
    make_gap(pose, "");
    pose.latest.state = core::JobState::queued;
    pose.latest.leased_at = pose.latest.ended_at = std::nullopt;
    pose.latest.metrics = "";
  }
  const json told = manifest_of(batch, {sheet})["sheets"][0];
  EXPECT_TRUE(told["sheet"].is_null());
  EXPECT_EQ(told["gaps"].size(), 4u);
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
  EXPECT_EQ(manifest_of(batch, sheets)["sheets"][2]["sheet"]["file"], names[2]);
}

TEST(Delivery, VersionsHaveAtLeastThreeDigits) {
  EXPECT_EQ(version_tag(1), "v001");
  EXPECT_EQ(version_tag(12345), "v12345");
}

}  // namespace
}  // namespace pirouette::delivery
