// The script that makes the farm's small model, at toy sizes: every stage through the programs, and
// what it exports draws a picture in the worker.

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/folder.h"
#include "tests/support/process.h"

namespace pirouette::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* kSizes = R"({
  "transformer": {"num_layers": 1, "num_single_layers": 1, "num_attention_heads": 2,
                  "attention_head_dim": 16, "axes_dims_rope": [4, 6, 6]},
  "vae": {"block_out_channels": [32, 32, 32, 32], "layers_per_block": 1, "latent_channels": 8},
  "text_encoder": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
                   "num_attention_heads": 2, "vocab_size": 2014},
  "text_encoder_2": {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_heads": 2, "num_layers": 1,
                     "vocab_size": 448}})";

const std::string kBinaries = PIROUETTE_BINARY_DIR "/bin/";
const std::string kScript = PIROUETTE_SOURCE_DIR "/deploy/models/train";

class SmallModel : public ::testing::Test {
 protected:
  SmallModel() { std::ofstream(folder_ / "sizes.json") << kSizes; }

  std::vector<std::string> command(const std::vector<std::string>& stages) const {
    std::vector<std::string> argv = {"/usr/bin/env",
                                     "TRAIN=" + kBinaries + "pirouette-train",
                                     "SIZES=" + (folder_ / "sizes.json").string(),
                                     "SIZE=64x96",
                                     "CHARACTERS=50",
                                     "WORKERS=2",
                                     "AE_STEPS=2",
                                     "AE_BATCH=2",
                                     "AE_PRECISION=no",
                                     "MODEL_STEPS=3",
                                     "MODEL_BATCH=2",
                                     "MODEL_ECHO=2",
                                     "MODEL_PRECISION=no",
                                     "LORA_STEPS=2",
                                     "LORA_BATCH=2",
                                     "LORA_ECHO=2",
                                     "LORA_PRECISION=no",
                                     "LORA_RANK=4",
                                     kScript,
                                     out().string()};
    argv.insert(argv.end(), stages.begin(), stages.end());
    return argv;
  }
  Finished script(const std::vector<std::string>& stages) const {
    return run(command(stages), folder_.path(), 300s);
  }
  fs::path out() const { return folder_ / "made"; }

  TestFolder folder_;
};

TEST_F(SmallModel, IsMadeByTheScriptAndDrawsInTheWorker) {
  const Finished made = script({});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const Finished again = script({"model"});
  EXPECT_NE(again.err.find("model is done"), std::string::npos) << again.err;
  for (const char* file : {"logs/autoencoder.jsonl", "logs/model.png", "logs/lora.txt"})
    EXPECT_TRUE(fs::exists(out() / file)) << file;

  const Finished drawn =
      run({kBinaries + "pirouette-characters", "--seed", "3", "--count", "1", "--views", "1",
           "--size", "64x96", "--out", (folder_ / "drawn").string()},
          folder_.path());
  ASSERT_EQ(drawn.exit_code, 0) << drawn.err;
  fs::path reference;
  for (const auto& entry : fs::directory_iterator(folder_ / "drawn"))
    if (entry.path().extension() == ".png") reference = entry.path();
  const Finished rendered =
      run({kBinaries + "pirouette-worker",
           "render",
           "--model",
           (out() / "mini-kontext").string(),
           "--lora",
           (out() / "turnaround-mini/pytorch_lora_weights.safetensors").string() + ":1.0",
           "--reference",
           reference.string(),
           "--prompt",
           "a back view of this character",
           "--seed",
           "1",
           "--steps",
           "2",
           "--width",
           "64",
           "--height",
           "96",
           "--reference-size",
           "keep",
           "--max-sequence-length",
           "160",
           "--out",
           (folder_ / "pose.png").string()},
          folder_.path());
  EXPECT_EQ(rendered.exit_code, 0) << rendered.err;
  EXPECT_TRUE(fs::exists(folder_ / "pose.png"));
}

// A signal costs nothing: the same call goes on.
TEST_F(SmallModel, AStageThatIsStoppedGoesOn) {
  ASSERT_EQ(script({"init"}).exit_code, 0);
  const std::vector<std::string> train = {kBinaries + "pirouette-train",
                                          "autoencoder",
                                          "--pretrained_model_name_or_path",
                                          (out() / "new").string(),
                                          "--characters",
                                          "20",
                                          "--output_dir",
                                          (folder_ / "a").string(),
                                          "--resolution",
                                          "64x96",
                                          "--max_train_steps",
                                          "100000"};
  Process process(train, folder_ / "out.txt", folder_ / "err.txt");
  const fs::path log = folder_ / "a/log.jsonl";
  for (int i = 0; i < 1200 && (!fs::exists(log) || fs::file_size(log) == 0); ++i)
    std::this_thread::sleep_for(50ms);
  process.signal(SIGTERM);
  EXPECT_EQ(process.wait_for(60s), 1);
  EXPECT_NE(process.err().find("--resume_from_checkpoint latest"), std::string::npos)
      << process.err();
  int checkpoints = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "a"))
    if (entry.path().filename().string().starts_with("checkpoint-")) ++checkpoints;
  EXPECT_EQ(checkpoints, 1);
}

}  // namespace
}  // namespace pirouette::testing
