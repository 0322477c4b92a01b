#include "worker/flux/lora.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "common/files.h"

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

TEST(Lora, AKeyThatFitsNothingIsNamed) {
  Tensors tensors = ones_for(kQuery);
  tensors["transformer.transformer_blocks.0.attn.to_z.lora_A.weight"] = at::ones({2, 4});
  expect_refused(tensors,
                 "key \"transformer.transformer_blocks.0.attn.to_z.lora_A.weight\" fits no weight "
                 "of FLUX.1");
}

TEST(Lora, UnsupportedKindsAreCalledByTheirNames) {
  const auto with = [](const std::string& key) {
    Tensors tensors = ones_for(kQuery);
    tensors[key] = at::ones({4});
    return tensors;
  };
  expect_refused(with(std::string(kQuery) + ".lora_magnitude_vector"), "is DoRA, which is not");
  expect_refused(with("lycoris_blocks_0.lokr_w1"), "is LoKr, which is not");
  expect_refused(with("text_encoder.layers.0.lora_A.weight"), "LoRA for the text encoders");
  expect_refused(with("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight"),
                 "kohya's LoRA format");
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
  EXPECT_NE(
      merged.error().what.find("module \"transformer_blocks.7.attn.to_q\" is not in this model"),
      std::string::npos)
      << merged.error().what;
}

}  // namespace
}  // namespace pirouette::flux
