// A model of one's own: written, trained part by part, loaded by the engine.

#include "worker/train/new_model.h"

#include <gtest/gtest.h>

#include "common/files.h"
#include "tests/unit/train/training_fixture.h"
#include "worker/flux/kontext.h"
#include "worker/train/autoencoder_task.h"
#include "worker/train/commands.h"
#include "worker/train/model_task.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSizes = R"({
  "transformer": {"num_layers": 1, "num_single_layers": 2, "num_attention_heads": 2,
                  "attention_head_dim": 16, "axes_dims_rope": [4, 6, 6]},
  "vae": {"block_out_channels": [32, 32, 32, 32], "layers_per_block": 1, "latent_channels": 8},
  "text_encoder": {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
                   "num_attention_heads": 2, "vocab_size": 2014},
  "text_encoder_2": {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_heads": 2, "num_layers": 1,
                     "vocab_size": 4096}})";

class NewModel : public testing::Test {
 protected:
  // Written as the command writes it.
  void write(const std::string& sizes = kSizes) {
    get(write_file_durably(folder_ / "sizes.json", sizes));
    get(write_new_model(folder_ / "sizes.json", flux::golden::folder(), folder_ / "new", 3));
  }
  ModelOptions model(const fs::path& path) const {
    ModelOptions options = tiny_model();
    options.path = path;
    return options;
  }
  static std::vector<std::uint8_t> bytes_of(const fs::path& file) {
    return get(read_file(file, 1u << 26));
  }

  Folder folder_;
  FewPictures pictures_;
};

TEST_F(NewModel, IsTheSameForTheSameSeedAndLoads) {
  write();
  get(write_new_model(folder_ / "sizes.json", flux::golden::folder(), folder_ / "again", 3));
  const fs::path file = "transformer/diffusion_pytorch_model.safetensors";
  EXPECT_EQ(bytes_of(folder_ / "new" / file), bytes_of(folder_ / "again" / file));
  EXPECT_TRUE(flux::Kontext::load({folder_ / "new", std::nullopt}, at::kFloat).ok());
}

TEST_F(NewModel, WrongSizesAreNamed) {
  std::string sizes = kSizes;
  sizes.replace(sizes.find("[4, 6, 6]"), 9, "[4, 6, 8]");
  get(write_file_durably(folder_ / "sizes.json", sizes));
  const auto written =
      write_new_model(folder_ / "sizes.json", flux::golden::folder(), folder_ / "new", 3);
  EXPECT_NE(written.error().what.find("axes_dims_rope"), std::string::npos);
  sizes = kSizes;
  sizes.replace(sizes.find("channels\": 8"), 11, "channels\": 8, \"norm_num_groups\": 5");
  get(write_file_durably(folder_ / "sizes.json", sizes));
  const auto groups =
      write_new_model(folder_ / "sizes.json", flux::golden::folder(), folder_ / "new", 3);
  EXPECT_NE(groups.error().what.find("multiples of norm_num_groups"), std::string::npos);
  sizes = kSizes;
  sizes.replace(sizes.find("channels\": 8"), 12, "channels\": 4");
  get(write_file_durably(folder_ / "sizes.json", sizes));
  const auto others =
      write_new_model(folder_ / "sizes.json", flux::golden::folder(), folder_ / "new", 3);
  EXPECT_NE(others.error().what.find("Stable Diffusion"), std::string::npos);
  get(write_file_durably(folder_ / "sizes.json", "{}"));
  const auto empty =
      write_new_model(folder_ / "sizes.json", flux::golden::folder(), folder_ / "new", 3);
  EXPECT_NE(empty.error().what.find("vae.block_out_channels"), std::string::npos);
}

TEST_F(NewModel, ItsAutoencoderLearnsAndItsScalingIsMeasured) {
  write();
  AutoencoderOptions options;
  options.size = {64, 96};
  options.shown = 1;
  const auto task = get(make_autoencoder_task(model(folder_ / "new"), options, pictures_));
  TrainingOptions training = quick_training(folder_ / "out", 12);
  training.learning_rate.base = 2e-3;
  training.validation_steps = 12;
  std::vector<double> losses;
  get(train(*task, training, [&](const StepReport& report) { losses.push_back(report.loss); }));
  EXPECT_LT(losses.back(), 0.9 * losses.front());
  EXPECT_TRUE(fs::exists(folder_ / "out/samples/12.png"));
  const auto config = nlohmann::json::parse(std::ifstream(folder_ / "out/model/vae/config.json"));
  EXPECT_NE(config.at("scaling_factor"), 1.0);
  EXPECT_TRUE(flux::Kontext::load({folder_ / "out/model", std::nullopt}, at::kFloat).ok());
  const fs::path untouched = "transformer/diffusion_pytorch_model.safetensors";
  EXPECT_EQ(bytes_of(folder_ / "new" / untouched), bytes_of(folder_ / "out/model" / untouched));
}

TEST_F(NewModel, ItsTransformerLearnsAloneOrWithItsTextEncoders) {
  write();
  const fs::path t5 = "text_encoder_2/model.safetensors";
  for (const bool with_text : {false, true}) {
    const fs::path out = folder_ / (with_text ? "with" : "without");
    const auto task =
        get(make_model_task(model(folder_ / "new"), with_text, tiny_denoiser(), pictures_));
    TrainingOptions training = quick_training(out, 8);
    std::vector<double> losses;
    get(train(*task, training, [&](const StepReport& report) { losses.push_back(report.loss); }));
    EXPECT_TRUE(flux::Kontext::load({out / "model", std::nullopt}, at::kFloat).ok());
    EXPECT_NE(bytes_of(folder_ / "new" / t5) == bytes_of(out / "model" / t5), with_text);
    const double before =
        get(get(make_model_task(model(folder_ / "new"), false, tiny_denoiser(), pictures_))
                ->learn(99))
            .item<double>();
    const double after =
        get(get(make_model_task(model(out / "model"), false, tiny_denoiser(), pictures_))
                ->learn(99))
            .item<double>();
    EXPECT_LT(after, before) << (with_text ? "with" : "without") << " text encoders";
  }
}

TEST_F(NewModel, WholeModelsAreTrainedInDiffusersLayoutOnly) {
  const auto task =
      make_model_task(model(flux::golden::folder() / "comfyui"), false, tiny_denoiser(), pictures_);
  ASSERT_FALSE(task.ok());
  EXPECT_NE(task.error().what.find("ComfyUI"), std::string::npos) << task.error().what;
}

// The golden model has its transformer in five shards, and everything under diffusers' names.
TEST_F(NewModel, WhatWasNotTrainedFarIsWrittenBackAsItWas) {
  const auto task =
      get(make_model_task(model(flux::golden::folder()), true, tiny_denoiser(), pictures_));
  get(task->save(folder_.path(), task->parameters().learnt()));
  const Tensors before = get(flux::load_checkpoint(flux::golden::folder() / "transformer")).tensors;
  const Tensors after = get(flux::load_checkpoint(folder_ / "model/transformer")).tensors;
  ASSERT_EQ(before.size(), after.size());
  for (const auto& [name, tensor] : before)
    EXPECT_TRUE(at::equal(tensor.to(at::kFloat), after.at(name))) << name;
}

TEST_F(NewModel, CommandsSayWhatIsWrong) {
  CLI::App app;
  Commands commands(app);
  app.parse("lora --pretrained_model_name_or_path " + flux::golden::folder().string() +
            " --train_data_dir " + folder_.path().string() + " --output_dir " +
            (folder_ / "out").string() + " --resolution 64x90");
  EXPECT_NE(commands.run().error().what.find("--resolution 64x90"), std::string::npos);
}

}  // namespace
}  // namespace pirouette::train
