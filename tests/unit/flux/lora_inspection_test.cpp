#include "worker/flux/lora_inspection.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "worker/flux/lora_metadata.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;

fs::path golden(const std::string& name) {
  return fs::path(PIROUETTE_SOURCE_DIR) / "tests/data/tiny-kontext/comfyui/loras" / name;
}

LoraReport report_on(const Tensors& tensors, const std::map<std::string, std::string>& metadata) {
  const fs::path file = fs::temp_directory_path() /
                        ("pirouette-inspect-" + std::to_string(::getpid()) + ".safetensors");
  EXPECT_TRUE(save_safetensors(file, tensors, metadata).ok());
  auto report = inspect_lora(file);
  fs::remove(file);
  EXPECT_TRUE(report.ok());
  return report.value();
}

TEST(LoraInspection, TellsWhatAFileOfKohyasIs) {
  const LoraReport report = inspect_lora(golden("kohya.safetensors")).value();
  EXPECT_EQ(report.formats, std::set<std::string>{"kohya"});
  EXPECT_EQ(report.kinds, std::set<std::string>{"LoRA"});
  EXPECT_EQ(report.ranks, (std::set<std::int64_t>{4, 12, 16}));
  EXPECT_EQ(report.alphas, (std::set<double>{8, 24, 32}));
  EXPECT_EQ(report.transformer_modules, 29u);
  EXPECT_EQ(report.clip_modules, 0u);
  EXPECT_TRUE(report.is_taken) << report.why_not;
}

TEST(LoraInspection, ReadsAnAdaptersFolder) {
  const LoraReport report = inspect_lora(golden("peft_adapter")).value();
  EXPECT_EQ(report.formats, std::set<std::string>{"PEFT adapter"});
  EXPECT_EQ(report.alphas, std::set<double>{8});
  EXPECT_TRUE(looks_like_lora(golden("peft_adapter")));
}

TEST(LoraInspection, AModelSaysWhetherTheLoraFitsIt) {
  const fs::path file = golden("lokr_unsupported.safetensors");
  EXPECT_TRUE(inspect_lora(file).value().is_taken);  // without a model nobody knows its sizes
  const Tensors model = {{"double_blocks.0.img_attn.proj.weight", at::zeros({96, 96})}};
  const LoraReport report = inspect_lora(file, &model).value();
  EXPECT_FALSE(report.is_taken);
  EXPECT_NE(report.why_not.find("is for a weight of 16 x 16; this model's has 96 x 96"),
            std::string::npos);
  EXPECT_EQ(report.kinds, std::set<std::string>{"LoKr"});
}

TEST(LoraInspection, ARefusedLoraIsReportedWithTheReason) {
  const LoraReport report = report_on(
      {{"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", at::ones({2, 4})},
       {"lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight", at::ones({12, 2})},
       {"lora_te3_encoder_block_0_layer_0_SelfAttention_q.lora_down.weight", at::ones({2, 4})}},
      {});
  EXPECT_FALSE(report.is_taken);
  EXPECT_NE(report.why_not.find("T5"), std::string::npos);
  EXPECT_EQ(report.unknown_keys.size(), 1u);
  EXPECT_EQ(report.transformer_modules, 1u);
  const auto json = to_json(report);
  EXPECT_EQ(json["taken"], false);
  EXPECT_EQ(json["formats"][0], "kohya");
  EXPECT_NE(to_text(report).find("this engine: refuses it: LoRA "), std::string::npos);
}

TEST(LoraInspection, ToldFromAModelByItsKeys) {
  EXPECT_TRUE(looks_like_lora(golden("xlabs_attention_only.safetensors")));
  EXPECT_FALSE(looks_like_lora(golden("../../vae/diffusion_pytorch_model.safetensors")));
  EXPECT_FALSE(looks_like_lora(golden("none.safetensors")));
  EXPECT_FALSE(inspect_lora(golden("none.safetensors")).ok());
}

TEST(LoraMetadata, TheTriggerIsWhatTheFileSays) {
  EXPECT_EQ(trigger_words({{"modelspec.trigger_phrase", "turnaround sheet"},
                           {"ss_tag_frequency", R"({"a": {"b": 1}})"}}),
            std::vector<std::string>{"turnaround sheet"});
  EXPECT_EQ(trigger_words({{"ss_tag_frequency",
                            R"({"10_k": {"knight": 10, "armor": 3}, "2_k": {"armor": 9}})"}}),
            (std::vector<std::string>{"armor", "knight"}));
  EXPECT_TRUE(trigger_words({{"ss_tag_frequency", "[[[["}}).empty());
  EXPECT_TRUE(trigger_words({}).empty());
}

TEST(LoraMetadata, TrainersWordsAreCutAndPrintable) {
  const auto training = training_metadata({{"ss_network_dim", "16"},
                                           {"modelspec.title", std::string(300, 'x')},
                                           {"software", "ai\ntoolkit"},
                                           {"ss_tag_frequency", "{}"},
                                           {"ss_seed", "None"},
                                           {"sshs_model_hash", "1234"}});
  EXPECT_EQ(training.at("ss_network_dim"), "16");
  EXPECT_EQ(training.at("software"), "ai toolkit");
  EXPECT_EQ(training.at("modelspec.title"), std::string(160, 'x') + "…");
  EXPECT_EQ(training.size(), 3u);
  EXPECT_EQ(shown(std::string(159, 'x') + "äö"), std::string(159, 'x') + "…");
}

}  // namespace
}  // namespace pirouette::flux
