// Rows of a folder: every one in each epoch, and what is wrong is named with its line.

#include "worker/train/folder_dataset.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "tests/unit/train/training_fixture.h"
#include "worker/flux/reference.h"
#include "worker/train/batch.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;

class FolderDatasetTest : public testing::Test {
 protected:
  FolderDatasetTest() {
    fs::copy(flux::golden::folder() / "reference_64x96.png", folder_ / "a.png");
    fs::copy(flux::golden::folder() / "reference_64x64.png", folder_ / "b.png");
  }
  void write(const std::string& rows) { std::ofstream(folder_ / "metadata.jsonl") << rows; }
  std::string error() {
    const auto opened = open_folder(folder_.path(), {}, 1);
    return opened.ok() ? "none" : opened.error().what;
  }
  void expect_error(const std::string& rows, const std::string& said) {
    write(rows);
    EXPECT_NE(error().find(said), std::string::npos) << error();
  }

  Folder folder_;
};

constexpr const char* kGood = R"({"reference": "a.png", "prompt": "one", "target": "b.png"})"
                              "\n";

TEST_F(FolderDatasetTest, GoesThroughEveryRowInEachEpoch) {
  std::string rows;
  for (const char* prompt : {"p", "q", "r", "s", "t"})
    rows += std::string(R"({"reference": "a.png", "file_name": "b.png", "prompt": ")") + prompt +
            "\"}\n\n";
  write(rows);
  const auto dataset = get(open_folder(folder_.path(), {}, 1));
  EXPECT_EQ(dataset->prompts().size(), 5u);
  std::vector<std::string> orders;
  for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
    std::set<std::string> seen;
    std::string& order = orders.emplace_back();
    for (std::uint64_t i = 0; i < 5; ++i) {
      Rng rng(0);
      const Example example = get(dataset->at(epoch * 5 + i, rng));
      seen.insert(example.prompt);
      order += example.prompt;
      EXPECT_EQ(example.reference.height, 96);
      EXPECT_EQ(example.target.height, 64);
    }
    EXPECT_EQ(seen.size(), 5u);
  }
  EXPECT_GT((std::set<std::string>(orders.begin(), orders.end()).size()), 1u);
}

TEST_F(FolderDatasetTest, WrongRowsAreNamedWithTheirLine) {
  EXPECT_NE(error().find("metadata.jsonl is not there"), std::string::npos);
  expect_error("", "has no rows");
  expect_error(std::string(kGood) + "not json\n", "line 2 is not a JSON object");
  expect_error(std::string(kGood) + "\n" + R"({"reference": "a.png", "target": "b.png"})",
               "line 3 has no text \"prompt\"");
  expect_error(R"({"reference": "gone.png", "prompt": "one", "target": "b.png"})",
               "line 1: its reference");
  std::ofstream(folder_ / "c.png") << "no picture";
  write(R"({"reference": "a.png", "prompt": "one", "target": "c.png"})");
  Rng rng(0);
  const std::string said = get(open_folder(folder_.path(), {}, 1))->at(0, rng).error().what;
  EXPECT_NE(said.find("line 1"), std::string::npos) << said;
  EXPECT_NE(said.find("c.png"), std::string::npos) << said;
}

TEST_F(FolderDatasetTest, ColumnsMayHaveOtherNames) {
  write(R"({"before": "a.png", "text": "one", "after": "b.png"})");
  EXPECT_NE(error(), "none");
  EXPECT_TRUE(open_folder(folder_.path(), {"before", "text", "after"}, 1).ok());
}

// Of the second example only, and none of what lay in the memory before.
TEST(Batches, HaveTheirExamplesMasks) {
  class OneMasked : public Dataset {
   public:
    Result<Example> at(std::uint64_t index, Rng&) const override {
      const Image picture{16, 16, 3, std::vector<std::uint8_t>(16 * 16 * 3)};
      Example example{picture, picture, "a prompt"};
      if (index == 1) example.mask.assign(16 * 16, 1);
      return example;
    }
    std::vector<std::string> prompts() const override { return {}; }
  };
  const Batch batch = get(draw_batch(OneMasked(), 1, 0, 3, {16, 16}));
  EXPECT_EQ(batch.masks.sizes(), (at::IntArrayRef{3, 16, 16}));
  EXPECT_EQ(batch.masks.sum().item<int>(), 16 * 16);
  EXPECT_EQ(batch.masks[1].min().item<int>(), 1);
}

TEST_F(FolderDatasetTest, BatchesAreOfOneSize) {
  write(kGood);
  const auto dataset = get(open_folder(folder_.path(), {}, 1));
  const Batch batch = get(draw_batch(*dataset, 1, 0, 2, {32, 48}));
  EXPECT_EQ(batch.targets.sizes(), (at::IntArrayRef{2, 48, 32, 3}));
  EXPECT_EQ(batch.references.sizes(), (at::IntArrayRef{2, 48, 32, 3}));
  const Image grid = make_grid(to_pictures(batch.targets, at::kCPU, at::kFloat), 1);
  EXPECT_EQ(grid.width, 32);
  EXPECT_EQ(grid.height, 2 * 48 + 8);
}

}  // namespace
}  // namespace pirouette::train
