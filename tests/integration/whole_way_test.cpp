// A batch goes in, sheets come out: real processes, the tiny model, the command line.

#include <gtest/gtest.h>

#include <fstream>

#include "common/files.h"
#include "common/image/image.h"
#include "tests/support/farm.h"
#include "tests/support/json_schema.h"
#include "tests/support/png_texts.h"

namespace pirouette::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::seconds;

TEST(WholeWay, TwentyFourPosesLoadTheModelAndMergeTheLoraOncePerWorker) {
  Farm farm;
  farm.start_coordinator();
  farm.start_worker("one");
  farm.start_worker("two");
  const std::uint64_t batch = farm.submit(4, Farm::tiny_recipe());
  ASSERT_TRUE(farm.wait_finished(batch, seconds(90))) << farm.logs();

  std::uint64_t rendered = 0;
  const auto workers_told = [&] {  // residency travels with heartbeats
    rendered = 0;
    const json workers = farm.get("/api/v1/workers");
    for (const json& worker : workers.at("items")) {
      if (worker.at("residency").is_null()) continue;
      rendered += worker.at("residency").at("counters").at("renders_total").get<std::uint64_t>();
    }
    return rendered >= 24;
  };
  ASSERT_TRUE(Farm::wait_until(workers_told, seconds(10))) << rendered << farm.logs();
  EXPECT_EQ(rendered, 24u);
  const json workers = farm.get("/api/v1/workers");
  ASSERT_EQ(workers.at("items").size(), 2u);
  for (const json& worker : workers.at("items")) {
    const json& counters = worker.at("residency").at("counters");
    EXPECT_GT(counters.at("renders_total"), 0) << worker.dump();
    EXPECT_EQ(counters.at("model_loads_total"), 1) << worker.dump();
    EXPECT_EQ(counters.at("lora_merges_total"), 1) << worker.dump();
  }
  const std::string metrics = farm.get_text("/metrics");
  for (const std::string name : {"one", "two"}) {
    EXPECT_NE(metrics.find("pirouette_worker_model_loads_total{worker=\"" + name + "\"} 1"),
              std::string::npos)
        << metrics;
    EXPECT_NE(metrics.find("pirouette_worker_lora_merges_total{worker=\"" + name + "\"} 1"),
              std::string::npos);
  }
}

TEST(WholeWay, FetchLeavesASheetACharacterAndAViewAPose) {
  Farm farm;
  farm.start_coordinator();
  farm.start_worker("one");
  const std::uint64_t batch = farm.submit(2, Farm::tiny_recipe());
  ASSERT_TRUE(farm.wait_finished(batch, seconds(60))) << farm.logs();

  const fs::path out = farm.folder() / "out";
  const Finished fetched = farm.cli({"fetch", std::to_string(batch), "--out", out});
  ASSERT_EQ(fetched.exit_code, 0) << fetched.err;
  int sheets = 0, views = 0;
  for (const auto& entry : fs::recursive_directory_iterator(out)) {
    if (entry.path().extension() != ".png") continue;
    const auto bytes = read_file(entry.path(), 64 << 20);
    ASSERT_TRUE(bytes.ok());
    const auto image = decode_png(bytes.value());
    ASSERT_TRUE(image.ok()) << entry.path() << ": " << image.error().what;
    const auto texts = png_texts(bytes.value());
    ASSERT_TRUE(texts.contains("parameters")) << entry.path();
    EXPECT_NE(texts.at("parameters").value.find(", Model hash: "), std::string::npos);
    EXPECT_NE(texts.at("XML:com.adobe.xmp").value.find("/trainedAlgorithmicMedia\""),
              std::string::npos);
    const std::string kind = entry.path().parent_path().filename();
    if (kind == "sheets") ++sheets;
    if (kind == "views") {
      ++views;
      EXPECT_EQ(image.value().width, 64);
      EXPECT_EQ(image.value().height, 96);
    }
  }
  EXPECT_EQ(sheets, 2);
  EXPECT_EQ(views, 12);
  const JsonSchema schema(fs::path(PIROUETTE_SOURCE_DIR) / "schema/manifest.schema.json");
  EXPECT_EQ(schema.faults(json::parse(std::ifstream(out / "manifest.json"))), "");
}

TEST(WholeWay, TheSameSheetComesOutOfASecondFarm) {
  std::vector<std::string> digests;
  for (int run = 0; run < 2; ++run) {
    Farm farm;
    farm.start_coordinator();
    farm.start_worker("one");
    const std::uint64_t batch = farm.submit(1, Farm::tiny_recipe());
    ASSERT_TRUE(farm.wait_finished(batch, seconds(60))) << farm.logs();
    digests.push_back(farm.sql("SELECT group_concat(hex(result)) FROM job"));
    EXPECT_EQ(farm.sql("SELECT count(*) FROM job WHERE state = 3"), "6");
  }
  EXPECT_EQ(digests[0], digests[1]);
}

}  // namespace
}  // namespace pirouette::testing
