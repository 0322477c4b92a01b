// The whole farm, by what its sheets show: real processes, the farm's own small Kontext, characters
// that it never saw. Each cell of a finished sheet must show the view that stands below it, of the
// character that was sent, with its things on the right side.

#include <gtest/gtest.h>

#include <fstream>

#include "common/files.h"
#include "tests/judge/tally.h"
#include "tests/support/farm.h"
#include "tests/support/sheet_cells.h"

namespace pirouette::testing {
namespace {

namespace fs = std::filesystem;
using judge::Panel;
using judge::Tally;
using nlohmann::json;

constexpr std::uint64_t kFirst = 1'000'000;  // training took smaller seeds
// Of the panel; the second with notes. The model draws these two well: of a hundred views it turns
// two wrong (deploy/models/README.md), and here the farm is tried, not the model.
constexpr std::array<std::size_t, 2> kSent = {4, 13};

fs::path models() { return fs::path(PIROUETTE_SOURCE_DIR) / "deploy/models"; }
std::string name_of(std::size_t character) { return "character_" + std::to_string(character); }

Image load(const fs::path& path) { return decode_png(read_file(path, 64u << 20).value()).value(); }

// The demonstration's recipe, all eight views.
json recipe() {
  json recipe =
      json::parse(std::ifstream(fs::path(PIROUETTE_SOURCE_DIR) / "deploy/demo-recipe.json"));
  recipe["pose_set"] = "game8";
  return recipe;
}

std::uint64_t submit(Farm& farm, const Panel& panel) {
  const fs::path in = farm.folder() / "in";
  fs::create_directories(in);
  for (std::size_t i = 0; i < kSent.size(); ++i) {
    const std::string name = name_of(kSent[i]);
    const auto png = encode_png(panel.truth(kSent[i], 0)).value();
    PIROUETTE_CHECK(write_file_durably(in / (name + ".png"), png).ok());
    if (i == 1) std::ofstream(in / (name + ".txt")) << description(panel.character(kSent[i]));
  }
  std::ofstream(farm.folder() / "recipe.json") << recipe().dump();
  const Finished submitted =
      farm.cli({"submit", in, "--recipe", farm.folder() / "recipe.json", "--uncropped", "--json"});
  EXPECT_EQ(submitted.exit_code, 0) << submitted.err;
  return json::parse(submitted.out).at("batch").get<std::uint64_t>();
}

// The cells of one delivered sheet, in the manifest's order of views.
Tally judge_sheet(const Panel& panel, const json& sheet, const fs::path& out) {
  std::vector<Image> views;
  for (const json& view : sheet.at("views"))
    views.push_back(load(out / view.at("file").get<std::string>()));
  const auto cells = cut_cells(load(out / sheet.at("sheet").at("file").get<std::string>()), views);
  const std::string name = sheet.at("character");
  const auto sent = std::find_if(kSent.begin(), kSent.end(),
                                 [&](std::size_t index) { return name_of(index) == name; });
  PIROUETTE_CHECK(sent != kSent.end());
  Tally tally;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string id = sheet.at("views")[i].at("view");
    const auto& all = standard_views();
    const auto view = static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(), [&](const View& one) { return one.id == id; }) -
        all.begin());
    const judge::Verdict verdict = panel.judge(cells[i], *sent, view).value();
    EXPECT_TRUE(verdict.has_right_view())
        << name << ": the cell " << id << " shows " << all[verdict.nearest_view].id;
    EXPECT_TRUE(verdict.has_right_character()) << name << ", " << id;
    tally.add(verdict);
  }
  return tally;
}

TEST(TurnaroundSheet, EachCellShowsItsViewOfItsCharacter) {
  Farm farm;
  farm.start_coordinator();
  for (const std::string worker : {"one", "two"}) {
    farm.start_worker(
        worker, {"--model", "mini-kontext=" + (models() / "mini-kontext").string(), "--lora",
                 "turnaround-mini=" +
                     (models() / "turnaround-mini/pytorch_lora_weights.safetensors").string()});
  }
  const Panel panel =
      Panel::of_seeds(kFirst, {recipe().at("width").get<int>(), recipe().at("height").get<int>()});
  const std::uint64_t batch = submit(farm, panel);
  ASSERT_TRUE(farm.wait_finished(batch, std::chrono::minutes(10))) << farm.logs();
  const fs::path out = farm.folder() / "out";
  const Finished fetched = farm.cli({"fetch", std::to_string(batch), "--out", out});
  ASSERT_EQ(fetched.exit_code, 0) << fetched.err;

  const json manifest = json::parse(std::ifstream(out / "manifest.json"));
  ASSERT_EQ(manifest.at("sheets").size(), kSent.size());
  judge::Count sides;
  for (const json& sheet : manifest.at("sheets")) {
    const Tally tally = judge_sheet(panel, sheet, out);
    EXPECT_EQ(tally.views.of, 8);
    sides.right += tally.sides.right;
    sides.of += tally.sides.of;
    for (const json& check : sheet.at("checks"))
      EXPECT_TRUE(check.at("flag") == "height" || check.at("flag") == "border") << check.dump();
  }
  EXPECT_GE(sides.of, 10);
  EXPECT_GE(sides.share(), 0.9) << sides.right << " of " << sides.of;
}

}  // namespace
}  // namespace pirouette::testing
