#include "worker/train/checkpoint_folder.h"

#include <gtest/gtest.h>

#include "common/files.h"
#include "tests/unit/train/training_fixture.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

using Names = std::vector<std::string>;

TEST(CheckpointFolder, TheOldestGoWithAllTheirFiles) {
  const Folder out;
  const flux::Tensors state = {{"x", at::ones({2})}};
  for (const std::int64_t step : {2, 10, 100}) get(write_checkpoint(out.path(), step, state));
  get(write_file_durably(out / "checkpoint-2/left.tmp7.0", std::string_view("half a file")));
  get(drop_old_checkpoints(out.path(), 0));
  EXPECT_EQ(names_in(out.path()), (Names{"checkpoint-10", "checkpoint-100", "checkpoint-2"}));
  get(drop_old_checkpoints(out.path(), 1));
  EXPECT_EQ(names_in(out.path()), Names{"checkpoint-100"});
  EXPECT_EQ(get(find_checkpoint(out.path(), "latest")).step, 100);
}

TEST(CheckpointFolder, WhatAKilledTrainingLeftDoesNotGetIntoTheNext) {
  const Folder out;
  const flux::Tensors state = {{"x", at::ones({2})}};
  fs::create_directory(out / "checkpoint.part");
  get(write_file_durably(out / "checkpoint.part/left.tmp7.0", std::string_view("half a file")));
  get(write_checkpoint(out.path(), 3, state));
  get(write_checkpoint(out.path(), 3, {{"x", at::zeros({2})}}));
  EXPECT_EQ(names_in(out.path()), Names{"checkpoint-3"});
  EXPECT_EQ(names_in(out / "checkpoint-3"), Names{"state.safetensors"});
  const auto read = get(read_checkpoint(out / "checkpoint-3"));
  EXPECT_TRUE(read.tensors().at("x").equal(at::zeros({2})));
}

TEST(CheckpointFolder, OneThatCannotGoIsNamed) {
  const Folder out;
  for (const std::int64_t step : {1, 2})
    get(write_checkpoint(out.path(), step, {{"x", at::ones({2})}}));
  fs::create_directories(out / "checkpoint-1/mine/notes");
  const auto dropped = drop_old_checkpoints(out.path(), 1);
  ASSERT_FALSE(dropped.ok());
  EXPECT_NE(dropped.error().what.find("checkpoint-1"), std::string::npos) << dropped.error().what;
}

}  // namespace
}  // namespace pirouette::train
