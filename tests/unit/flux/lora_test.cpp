#include "worker/flux/lora.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "common/files.h"
#include "worker/flux/lora_merge.h"

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;

constexpr const char* kQuery = "transformer.transformer_blocks.0.attn.to_q";

// A LoRA file of this test's own, gone when the test ends.
class LoraFile {
 public:
  explicit LoraFile(const Tensors& tensors, const std::map<std::string, std::string>& about = {})
      : path_(fs::temp_directory_path() /
              ("pirouette-lora-" + std::to_string(::getpid()) + ".safetensors")) {
    EXPECT_TRUE(save_safetensors(path_, tensors, about).ok());
  }
  ~LoraFile() { fs::remove(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Rank 2 for a weight [4, 4]: up down = 2 everywhere.
Tensors ones_for(const std::string& module) {
  return {{module + ".lora_A.weight", at::ones({2, 4})},
          {module + ".lora_B.weight", at::ones({4, 2})}};
}

// A model with one fused projection, [12, 4] of zeros.
Tensors tiny_model() { return {{"double_blocks.0.img_attn.qkv.weight", at::zeros({12, 4})}}; }

void expect_refused(const Tensors& tensors, const std::string& words) {
  const LoraFile file(tensors);
  const auto lora = load_lora(file.path());
  ASSERT_FALSE(lora.ok());
  EXPECT_EQ(lora.error().code, Errc::invalid);
  EXPECT_NE(lora.error().what.find(words), std::string::npos) << lora.error().what;
  EXPECT_NE(lora.error().what.find(file.path().string()), std::string::npos);
}

Result<Tensors> merge(const LoraFile& file, double scale) {
  auto lora = load_lora(file.path());
  if (!lora.ok()) return std::move(lora).error();
  return merge_loras(tiny_model(), {{std::move(lora).value(), scale}});
}

TEST(Lora, ChangesOnlyItsOwnRowsOfAFusedWeight) {
  const LoraFile file(ones_for("transformer.transformer_blocks.0.attn.to_k"));
  const auto merged = merge(file, 0.5);
  ASSERT_TRUE(merged.ok()) << merged.error().what;
  const Tensor weight = merged.value().at("double_blocks.0.img_attn.qkv.weight");
  EXPECT_TRUE(at::equal(weight.slice(0, 4, 8), at::ones({4, 4})));
  EXPECT_EQ(weight.sum().item<double>(), 16.0);
}

TEST(Lora, AlphaOverRankScalesIt) {
  Tensors tensors = ones_for(kQuery);
  tensors[std::string(kQuery) + ".alpha"] = at::full({}, 4.0);
  const LoraFile file(tensors);
  EXPECT_EQ(load_lora(file.path()).value().modules[0].scale, 2.0);
}

TEST(Lora, TakesAlphaFromDiffusersMetadata) {
  const LoraFile file(ones_for(kQuery),
                      {{"lora_adapter_metadata",
                        R"({"transformer.lora_alpha": 8, "transformer.alpha_pattern":
                            {"attn.to_q": 6}})"}});
  EXPECT_EQ(load_lora(file.path()).value().modules[0].scale, 3.0);
}

// A PEFT folder with these settings and a LoRA of rank 2.
Result<Lora> load_adapter(const std::string& settings) {
  const fs::path folder =
      fs::temp_directory_path() / ("pirouette-adapter-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  EXPECT_TRUE(save_safetensors(folder / "adapter_model.safetensors",
                               ones_for("base_model.model.transformer_blocks.0.attn.to_q"))
                  .ok());
  EXPECT_TRUE(write_file_durably(folder / "adapter_config.json", settings).ok());
  auto lora = load_lora(folder);
  if (lora.ok()) {
    EXPECT_EQ(lora.value().modules.at(0).rank(), 2);
  }
  fs::remove_all(folder);
  return lora;
}

TEST(Lora, AnAdaptersSettingsScaleIt) {
  EXPECT_EQ(load_adapter(R"({"r": 2, "lora_alpha": 8})").value().modules[0].scale, 4.0);
  EXPECT_DOUBLE_EQ(
      load_adapter(R"({"r": 2, "lora_alpha": 8, "use_rslora": true})").value().modules[0].scale,
      8 / std::sqrt(2.0));
  EXPECT_EQ(load_adapter(R"({"r": 16, "rank_pattern": {"to_q": 2}, "lora_alpha": 8})")
                .value()
                .modules[0]
                .scale,
            4.0);
}

TEST(Lora, SettingsThatThisEngineCannotFollowAreRefused) {
  const auto why = [](const std::string& settings) { return load_adapter(settings).error().what; };
  EXPECT_NE(why(R"({"r": 4, "lora_alpha": 8})").find("is of rank 2, but its settings say r = 4"),
            std::string::npos);
  EXPECT_NE(why(R"({"use_dora": true})").find("DoRA is not supported"), std::string::npos);
  EXPECT_NE(why(R"({"peft_type": "LOKR"})").find("PEFT's LOKR is not supported"),
            std::string::npos);
  EXPECT_NE(why(R"({"fan_in_fan_out": true})").find("fan_in_fan_out"), std::string::npos);
  EXPECT_NE(why("[]").find("settings are not an object"), std::string::npos);
}

TEST(Lora, AKeyThatFitsNothingIsNamed) {
  Tensors tensors = ones_for(kQuery);
  tensors["transformer.transformer_blocks.0.attn.to_z.lora_A.weight"] = at::ones({2, 4});
  expect_refused(tensors,
                 "key \"transformer.transformer_blocks.0.attn.to_z.lora_A.weight\" fits no weight "
                 "of FLUX.1");
}

TEST(Lora, WhatIsNotSupportedIsCalledByItsName) {
  const auto with = [](const std::string& key) {
    Tensors tensors = ones_for(kQuery);
    tensors[key] = at::ones({4});
    return tensors;
  };
  expect_refused(with(std::string(kQuery) + ".lora_magnitude_vector"),
                 "is DoRA, which is not supported; nothing of a LoRA is left out");
  expect_refused(with("lora_unet_double_blocks_0_img_attn_qkv.dora_scale"), "is DoRA");
  expect_refused(with("lora_te3_encoder_block_0_layer_0_SelfAttention_q.lora_down.weight"),
                 "is for the T5 text encoder, which is not");
  expect_refused(with("text_encoder_2.encoder.block.0.layer.0.SelfAttention.q.lora_A.weight"),
                 "is for the T5 text encoder");
  expect_refused(with("lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight"),
                 "is for Stable Diffusion");
  expect_refused(with("double_blocks.0.img_attn.norm.key_norm.scale"), "FLUX.1 control LoRA");
  expect_refused(with("lora_unet_double_blocks_0_img_attn_qkv.oft_blocks"), "is OFT");
  expect_refused(with("bundle_emb.knight.clip_l"), "textual inversion");
  expect_refused(with(std::string(kQuery) + ".lora_B.bias"), "fits no weight of FLUX.1");
}

TEST(Lora, AnAlphaWithoutWeightsIsRefused) {
  Tensors tensors = ones_for(kQuery);
  tensors["transformer.transformer_blocks.0.attn.to_k.alpha"] = at::full({}, 4.0);
  expect_refused(tensors, "\"transformer.transformer_blocks.0.attn.to_k\" has an alpha but no");
}

TEST(Lora, AModuleChangedInTwoWaysIsRefused) {
  Tensors tensors = ones_for(kQuery);
  tensors[std::string(kQuery) + ".diff"] = at::ones({4, 4});
  expect_refused(tensors, "is changed in more than one way");
}

TEST(Lora, TheSameModuleInTwoSpellingsCountsTwice) {
  Tensors tensors = ones_for(kQuery);
  for (const auto& [key, tensor] : ones_for("lora_transformer_transformer_blocks_0_attn_to_q"))
    tensors[key] = tensor;
  const LoraFile file(tensors);
  const auto merged = merge(file, 1.0);
  ASSERT_TRUE(merged.ok()) << merged.error().what;
  EXPECT_EQ(merged.value().at("double_blocks.0.img_attn.qkv.weight")[0][0].item<double>(), 4.0);
}

TEST(Lora, FactorsOfLoKrThatAreHalfThereAreRefused) {
  expect_refused({{"lycoris_double_blocks_0_img_attn_qkv.lokr_w1", at::ones({2, 2})},
                  {"lycoris_double_blocks_0_img_attn_qkv.lokr_w2_a", at::ones({6, 2})}},
                 "has LoKr factors that do not belong together");
  expect_refused({{"lycoris_double_blocks_0_img_attn_qkv.hada_w1_a", at::ones({2, 2})}},
                 "has not all four factors of LoHa");
}

// [[1, 2], [3, 4]] times [6, 2] of ones: each entry of the first becomes a block.
TEST(Lora, LoKrIsTheKroneckerProduct) {
  const LoraFile file({{"lycoris_double_blocks_0_img_attn_qkv.lokr_w1",
                        at::arange(1, 5, at::kFloat).reshape({2, 2})},
                       {"lycoris_double_blocks_0_img_attn_qkv.lokr_w2_a", at::ones({6, 1})},
                       {"lycoris_double_blocks_0_img_attn_qkv.lokr_w2_b", at::ones({1, 2})},
                       {"lycoris_double_blocks_0_img_attn_qkv.alpha", at::full({}, 3.0)}});
  const auto merged = merge(file, 1.0);
  ASSERT_TRUE(merged.ok()) << merged.error().what;
  const Tensor weight = merged.value().at("double_blocks.0.img_attn.qkv.weight");
  EXPECT_EQ(weight[0][0].item<double>(), 3.0);
  EXPECT_EQ(weight[5][3].item<double>(), 6.0);
  EXPECT_EQ(weight[6][1].item<double>(), 9.0);
  EXPECT_EQ(weight[11][2].item<double>(), 12.0);
}

TEST(Lora, LoHaIsTheProductElementByElement) {
  const std::string name = "lora_unet_double_blocks_0_img_attn_qkv";
  const LoraFile file({{name + ".hada_w1_a", at::full({12, 2}, 2.0)},
                       {name + ".hada_w1_b", at::ones({2, 4})},
                       {name + ".hada_w2_a", at::full({12, 2}, 3.0)},
                       {name + ".hada_w2_b", at::ones({2, 4})},
                       {name + ".alpha", at::full({}, 1.0)}});
  const auto merged = merge(file, -1.0);
  ASSERT_TRUE(merged.ok()) << merged.error().what;
  EXPECT_TRUE(at::equal(merged.value().at("double_blocks.0.img_attn.qkv.weight"),
                        at::full({12, 4}, -12.0)));  // 4 * 6 * 1/2
}

TEST(Lora, ChangesBiasesToo) {
  const LoraFile file({{"lora_unet_double_blocks_0_img_attn_qkv.diff_b", at::ones({12})},
                       {"transformer.transformer_blocks.0.attn.to_v.diff_b", at::ones({4})}});
  auto lora = load_lora(file.path());
  ASSERT_TRUE(lora.ok()) << lora.error().what;
  Tensors model = tiny_model();
  model["double_blocks.0.img_attn.qkv.bias"] = at::zeros({12});
  const auto merged = merge_loras(model, {{lora.value(), 2.0}});
  ASSERT_TRUE(merged.ok()) << merged.error().what;
  const Tensor bias = merged.value().at("double_blocks.0.img_attn.qkv.bias");
  EXPECT_TRUE(at::equal(bias.slice(0, 0, 8), at::full({8}, 2.0)));
  EXPECT_TRUE(at::equal(bias.slice(0, 8), at::full({4}, 4.0)));
}

TEST(Lora, TheFirstProjectionOfASingleBlockHasFourParts) {
  const LoraFile file(
      {{"transformer.single_transformer_blocks.0.proj_mlp.lora_A.weight", at::ones({1, 4})},
       {"transformer.single_transformer_blocks.0.proj_mlp.lora_B.weight", at::ones({16, 1})},
       {"single_blocks.0.processor.qkv_lora.down.weight", at::ones({1, 4})},
       {"single_blocks.0.processor.qkv_lora.up.weight", at::full({12, 1}, 2.0)}});
  auto lora = load_lora(file.path());
  ASSERT_TRUE(lora.ok()) << lora.error().what;
  const auto merged = merge_loras({{"single_blocks.0.linear1.weight", at::zeros({28, 4})}},
                                  {{std::move(lora).value(), 1.0}});
  ASSERT_TRUE(merged.ok()) << merged.error().what;
  const Tensor weight = merged.value().at("single_blocks.0.linear1.weight");
  EXPECT_TRUE(at::equal(weight.slice(0, 0, 12), at::full({12, 4}, 2.0)));
  EXPECT_TRUE(at::equal(weight.slice(0, 12), at::ones({16, 4})));
}

TEST(Lora, HalfAModuleIsRefused) {
  Tensors tensors = ones_for(kQuery);
  tensors.erase(std::string(kQuery) + ".lora_B.weight");
  expect_refused(tensors, "has only one of lora_A and lora_B");
}

TEST(Lora, RanksThatDifferAreRefused) {
  Tensors tensors = ones_for(kQuery);
  tensors[std::string(kQuery) + ".lora_B.weight"] = at::ones({4, 3});
  expect_refused(tensors, "has lora_A of rank 2 and lora_B of rank 3");
}

TEST(Lora, AFileWithoutWeightsIsRefused) { expect_refused({}, "it has no weights"); }

TEST(Lora, OfAnotherWidthDoesNotFitTheModel) {
  const LoraFile file({{std::string(kQuery) + ".lora_A.weight", at::ones({2, 8})},
                       {std::string(kQuery) + ".lora_B.weight", at::ones({8, 2})}});
  const auto merged = merge(file, 1.0);
  ASSERT_FALSE(merged.ok());
  EXPECT_NE(merged.error().what.find("is for a weight of 8 x 8; this model's has 4 x 4"),
            std::string::npos)
      << merged.error().what;
}

TEST(Lora, ForABlockThatTheModelLacksDoesNotFit) {
  const LoraFile file(ones_for("transformer.transformer_blocks.7.attn.to_q"));
  const auto merged = merge(file, 1.0);
  ASSERT_FALSE(merged.ok());
  EXPECT_NE(merged.error().what.find(
                "module \"transformer.transformer_blocks.7.attn.to_q\" is not in this model"),
            std::string::npos)
      << merged.error().what;
}

}  // namespace
}  // namespace pirouette::flux
