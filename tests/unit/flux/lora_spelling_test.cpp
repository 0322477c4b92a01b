#include "worker/flux/lora_spelling.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include "worker/flux/lora_key.h"

namespace pirouette::flux {
namespace {

std::string target_of(const std::string& module) {
  const auto spelled = find_spelled_module(module);
  if (!spelled) return "nothing";
  static constexpr const char* kParts[] = {"", " q", " k", " v", " mlp", " qkv"};
  return spelled->target.module + kParts[static_cast<int>(spelled->target.part)] +
         (spelled->target.swaps_halves ? " swapped" : "");
}

TEST(LoraSpelling, EveryExampleIsFoundUnderItsOwnName) {
  for (const LoraSpelling& spelling : lora_spellings()) {
    const auto found = find_spelled_module(spelling.example);
    ASSERT_TRUE(found) << spelling.example;
    EXPECT_EQ(found->spelling->name, spelling.name) << spelling.example;
    EXPECT_TRUE(spelling.example.starts_with(spelling.prefix));
  }
}

TEST(LoraSpelling, OfOneModuleAllMeanTheSame) {
  for (const char* module :
       {"transformer.transformer_blocks.3.attn.to_out.0", "lora_unet_double_blocks_3_img_attn_proj",
        "lora_transformer_transformer_blocks_3_attn_to_out_0",
        "lycoris_transformer_blocks_3_attn_to_out_0", "double_blocks.3.processor.proj_lora1",
        "base_model.model.double_blocks.3.img_attn.proj",
        "diffusion_model.double_blocks.3.img_attn.proj", "double_blocks.3.img_attn.proj"})
    EXPECT_EQ(target_of(module), "double_blocks.3.img_attn.proj") << module;
}

TEST(LoraSpelling, PartsOfFusedProjectionsAreKnown) {
  EXPECT_EQ(target_of("transformer_blocks.0.attn.add_k_proj"), "double_blocks.0.txt_attn.qkv k");
  EXPECT_EQ(target_of("lora_transformer_single_transformer_blocks_12_attn_to_v"),
            "single_blocks.12.linear1 v");
  EXPECT_EQ(target_of("single_transformer_blocks.0.proj_mlp"), "single_blocks.0.linear1 mlp");
  EXPECT_EQ(target_of("single_blocks.7.processor.qkv_lora"), "single_blocks.7.linear1 qkv");
  EXPECT_EQ(target_of("single_blocks.7.processor.proj_lora"), "single_blocks.7.linear2");
}

TEST(LoraSpelling, ModulationNormsAndTheFinalLayerAreKnown) {
  EXPECT_EQ(target_of("lora_transformer_transformer_blocks_0_norm1_context_linear"),
            "double_blocks.0.txt_mod.lin");
  EXPECT_EQ(target_of("lora_unet_single_blocks_0_modulation_lin"),
            "single_blocks.0.modulation.lin");
  EXPECT_EQ(target_of("single_transformer_blocks.0.norm.linear"), "single_blocks.0.modulation.lin");
  EXPECT_EQ(target_of("transformer.norm_out.linear"), "final_layer.adaLN_modulation.1 swapped");
  EXPECT_EQ(target_of("lora_transformer_norm_out_linear"),
            "final_layer.adaLN_modulation.1 swapped");
  EXPECT_EQ(target_of("lora_unet_final_layer_adaLN_modulation_1"),
            "final_layer.adaLN_modulation.1");
  EXPECT_EQ(target_of("base_model.model.final_layer.linear"), "final_layer.linear");
  EXPECT_EQ(target_of("transformer.proj_out"), "final_layer.linear");
  EXPECT_EQ(target_of("lora_unet_guidance_in_in_layer"), "guidance_in.in_layer");
}

TEST(LoraSpelling, ClipsNamesAreKnownAndT5sAreNot) {
  for (const char* module :
       {"lora_te1_text_model_encoder_layers_11_mlp_fc1",
        "text_encoder.text_model.encoder.layers.11.mlp.fc1",
        "text_encoders.clip_l.transformer.text_model.encoder.layers.11.mlp.fc1"})
    EXPECT_EQ(target_of(module), "text_model.encoder.layers.11.mlp.fc1") << module;
  EXPECT_EQ(find_spelled_module("lora_te1_text_model_encoder_layers_0_mlp_fc2")->target.model,
            LoraModel::clip);
  EXPECT_EQ(target_of("lora_te3_encoder_block_0_layer_0_SelfAttention_q"), "nothing");
  EXPECT_EQ(target_of("lora_te1_text_projection"), "nothing");
}

TEST(LoraSpelling, WhatFluxDoesNotHaveIsFoundNowhere) {
  for (const char* module :
       {"", "transformer.", "lora_unet_", "lora_unet_double_blocks_0_img_attn",
        "lora_unet_double_blocks_x_img_attn_qkv", "double_blocks.0", "double_blocks.",
        "single_blocks.0.img_attn.qkv", "lora_unet_single_transformer_blocks_0_attn_to_z",
        "transformer_blocks.-1.attn.to_q", "double_blocks.99999999999.img_attn.qkv",
        "lora_unet_down_blocks_0_attentions_0_proj_in"})
    EXPECT_EQ(target_of(module), "nothing") << module;
}

TEST(LoraKey, ItsEndSaysWhatItIs) {
  const auto role = [](const char* key) { return parse_lora_key(key)->role; };
  EXPECT_EQ(role("m.lora_A.weight"), LoraRole::down);
  EXPECT_EQ(role("m.lora_A.default.weight"), LoraRole::down);
  EXPECT_EQ(role("m.lora_B.my_adapter.weight"), LoraRole::up);
  EXPECT_EQ(role("m.lora_up.weight"), LoraRole::up);
  EXPECT_EQ(role("m.lora_linear_layer.down.weight"), LoraRole::down);
  EXPECT_EQ(role("m.qkv_lora1.up.weight"), LoraRole::up);
  EXPECT_EQ(role("m.lokr_w2_a"), LoraRole::lokr_w2_a);
  EXPECT_EQ(role("m.diff_b"), LoraRole::diff_bias);
  EXPECT_EQ(parse_lora_key("m.lora_down.2.weight")->split, 2);
  EXPECT_EQ(parse_lora_key("m.lora_down.2.weight")->module, "m");
  EXPECT_EQ(parse_lora_key("m.qkv_lora1.up.weight")->module, "m.qkv_lora1");
  for (const char* key : {"m.weight", "m.lora_A", "m.lora_A.a.b.weight", "m.dora_scale", ".alpha",
                          "m.lora_B.bias", ""})
    EXPECT_FALSE(parse_lora_key(key)) << key;
}

// The rows of docs/loras.md's table of spellings: | name | prefix | example | used by |.
std::set<std::string> documented_rows() {
  std::ifstream in(std::string(PIROUETTE_SOURCE_DIR) + "/docs/loras.md");
  std::set<std::string> rows;
  bool in_table = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("| spelling |")) in_table = true;
    if (in_table && line.empty()) break;
    if (in_table && !line.starts_with("| spelling |") && !line.starts_with("| ---"))
      rows.insert(line);
  }
  return rows;
}

TEST(LoraSpelling, TheDocumentListsExactlyWhatThereIs) {
  std::set<std::string> rows;
  for (const LoraSpelling& spelling : lora_spellings()) {
    std::ostringstream row;
    row << "| " << spelling.name << " | "
        << (spelling.prefix.empty() ? "none" : '`' + std::string(spelling.prefix) + '`') << " | `"
        << spelling.example << "` | " << spelling.used_by << " |";
    rows.insert(row.str());
  }
  EXPECT_EQ(documented_rows(), rows);
}

}  // namespace
}  // namespace pirouette::flux
