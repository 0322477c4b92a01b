// What goes wrong is said in words that help, and nothing is lost.

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/support/farm.h"

namespace pirouette::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::seconds;

TEST(Refusal, ATextFileNamedPngIsNamed) {
  Farm farm;
  farm.start_coordinator();
  const fs::path folder = farm.folder() / "bad";
  fs::create_directories(folder);
  std::ofstream(folder / "knight.png") << "this is not a picture";
  const Finished submitted = farm.cli({"submit", folder});
  EXPECT_EQ(submitted.exit_code, 1);
  EXPECT_NE(submitted.err.find("knight.png"), std::string::npos) << submitted.err;
  EXPECT_EQ(farm.sql("SELECT count(*) FROM batch"), "0");
}

TEST(Refusal, AnEmptyFolderSaysWhatIsMissing) {
  Farm farm;
  farm.start_coordinator();
  const fs::path folder = farm.folder() / "empty";
  fs::create_directories(folder);
  const Finished submitted = farm.cli({"submit", folder});
  EXPECT_NE(submitted.exit_code, 0);
  EXPECT_NE(submitted.err.find("empty"), std::string::npos) << submitted.err;
  EXPECT_NE(submitted.err.find(".png"), std::string::npos) << submitted.err;
}

TEST(Refusal, APoseSetThatIsNotThereIsNamedWithThoseThatAre) {
  Farm farm;
  farm.start_coordinator();
  json recipe = Farm::tiny_recipe();
  recipe["pose_set"] = "std7";
  const fs::path folder = farm.folder() / "characters";
  fs::create_directories(folder);
  fs::copy_file(tiny_model() / "reference_64x96.png", folder / "knight.png");
  std::ofstream(farm.folder() / "recipe.json") << recipe.dump();
  const Finished submitted =
      farm.cli({"submit", folder, "--recipe", farm.folder() / "recipe.json"});
  EXPECT_NE(submitted.exit_code, 0);
  EXPECT_NE(submitted.err.find("std7"), std::string::npos) << submitted.err;
  EXPECT_NE(submitted.err.find("game8"), std::string::npos) << submitted.err;
  EXPECT_EQ(farm.sql("SELECT count(*) FROM batch"), "0");
}

TEST(Refusal, ALoraThatDoesNotFitFailsItsJobsInItsWords) {
  Farm farm;
  farm.start_coordinator();
  farm.start_worker(
      "one", {"--model", "tiny-kontext=" + tiny_model().string(), "--lora",
              "turnaround=" + (tiny_model() / "vae/diffusion_pytorch_model.safetensors").string()});
  const std::uint64_t batch = farm.submit(1, Farm::tiny_recipe());
  const auto failed = [&] { return farm.sql("SELECT count(*) FROM job WHERE state = 4") == "6"; };
  const bool refused =
      Farm::wait_until([&] { return failed() || !farm.worker("one").running(); }, seconds(60));
  ASSERT_TRUE(refused) << farm.logs();
  if (farm.worker("one").running()) {
    // The sheet is delivered with its gaps, and each says why.
    ASSERT_TRUE(farm.wait_finished(batch, seconds(30))) << farm.logs();
    EXPECT_EQ(farm.sql("SELECT state FROM sheet"), "2");
    const std::string why = farm.sql("SELECT error FROM job LIMIT 1");
    EXPECT_NE(why.find("fits no"), std::string::npos) << why;
    EXPECT_NE(why.find("diffusion_pytorch_model.safetensors"), std::string::npos) << why;
  } else {
    EXPECT_NE(farm.worker("one").err().find("turnaround"), std::string::npos) << farm.logs();
  }
}

TEST(Refusal, NoCoordinatorIsExitCodeThree) {
  const fs::path folder = fs::temp_directory_path();
  const Finished status =
      run({binary("pirouette"), "status", "--server", "http://127.0.0.1:1"}, folder);
  EXPECT_EQ(status.exit_code, 3);
  EXPECT_NE(status.err.find("127.0.0.1:1"), std::string::npos) << status.err;
}

TEST(Refusal, ASecondCoordinatorOnTheSameFolderIsTurnedAway) {
  Farm farm;
  farm.start_coordinator();
  const Finished second =
      run({binary("pirouette-coordinator"), "--folder", farm.coordinator_folder(), "--http",
           "127.0.0.1:0", "--control", "tcp://127.0.0.1:0", "--blobs", "tcp://127.0.0.1:0"},
          farm.folder(), seconds(10));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_NE(second.err.find(std::to_string(farm.coordinator().pid())), std::string::npos)
      << second.err;
  EXPECT_FALSE(farm.get("/api/v1/health").is_null()) << "the first one goes on";
}

TEST(Refusal, AWorkerWithoutTheModelLeavesTheJobToOneThatHasIt) {
  Farm farm;
  farm.start_coordinator();
  json recipe = Farm::tiny_recipe();
  recipe["model"] = "another-model";
  farm.start_worker("one");
  const std::uint64_t batch = farm.submit(1, recipe);
  const auto joined = [&] { return farm.sql("SELECT count(*) FROM worker") == "1"; };
  ASSERT_TRUE(Farm::wait_until(joined, seconds(10))) << farm.logs();
  EXPECT_FALSE(farm.wait_finished(batch, seconds(1)));
  EXPECT_EQ(farm.sql("SELECT count(*) FROM job WHERE state = 1"), "6");
  const json shown = farm.get("/api/v1/batches/" + std::to_string(batch));
  EXPECT_EQ(shown["waiting_for"],
            "no online worker has the model another-model; there are: tiny-kontext");

  farm.start_worker("two",
                    {"--model", "another-model=" + tiny_model().string(), "--lora",
                     "turnaround=" + (tiny_model() / "comfyui/loras/peft.safetensors").string()});
  ASSERT_TRUE(farm.wait_finished(batch, seconds(60))) << farm.logs();
}

TEST(Refusal, AWorkerWhoseModelFolderIsBrokenSaysSoAndEnds) {
  Farm farm;
  farm.start_coordinator();
  const fs::path model = farm.folder() / "model";
  fs::create_directories(model);
  farm.start_worker("one", {"--model", "tiny-kontext=" + model.string()});
  const auto code = farm.worker("one").wait_for(seconds(20));
  ASSERT_TRUE(code.has_value()) << farm.logs();
  EXPECT_EQ(*code, 1);
  EXPECT_NE(farm.worker("one").err().find("model_index.json"), std::string::npos)
      << farm.worker("one").err();
}

TEST(Refusal, CtrlCOnAWorkerHandsItsJobsBackAtOnce) {
  Farm farm;
  farm.start_coordinator();
  farm.start_worker("one");
  json recipe = Farm::tiny_recipe();
  recipe["steps"] = 100;
  const std::uint64_t batch = farm.submit(1, recipe);
  const auto leased = [&] { return farm.sql("SELECT count(*) FROM job WHERE state = 2") != "0"; };
  ASSERT_TRUE(Farm::wait_until(leased, seconds(20))) << farm.logs();
  farm.worker("one").signal(SIGTERM);
  EXPECT_EQ(farm.worker("one").wait_for(seconds(20)), 0) << farm.logs();
  farm.start_worker("two");
  ASSERT_TRUE(farm.wait_finished(batch, seconds(90))) << farm.logs();
  EXPECT_EQ(farm.sql("SELECT count(*) FROM event WHERE kind = 'worker.lost'"), "0");
  EXPECT_EQ(farm.sql("SELECT sum(losses) FROM job"), "0");
}

}  // namespace
}  // namespace pirouette::testing
