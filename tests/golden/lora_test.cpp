#include "worker/flux/lora.h"

#include "tests/golden/golden.h"

namespace pirouette::flux::golden {
namespace {

struct Named {
  const char* file;
  double scale;
};

Tensor output_with(const std::vector<Named>& files) {
  std::vector<ScaledLora> loras;
  for (const auto& [file, scale] : files)
    loras.push_back({get(load_lora(folder() / "comfyui/loras" / file)), scale});
  const Weights pristine = tiny_transformer_weights();
  const Transformer model = get(
      Transformer::load(Weights(get(merge_loras(pristine.tensors(), loras)), "merged"), kTinyAxes));
  return model(transformer_input());
}

TEST(Lora, AtAnyScaleGivesWhatTheReferenceGives) {
  const at::NoGradGuard no_grad;
  for (const auto& [scale, name] : {std::pair(1.0, "1.0"), {0.7, "0.7"}, {-0.5, "-0.5"}})
    EXPECT_LE(distance(output_with({{"peft.safetensors", scale}}),
                       expected(std::string("transformer.output.lora.") + name)),
              kPartTolerance)
        << name;
}

TEST(Lora, TwoAtOnceGiveWhatTheReferenceGives) {
  const at::NoGradGuard no_grad;
  EXPECT_LE(distance(output_with({{"peft.safetensors", 0.8}, {"second_peft.safetensors", 0.6}}),
                     expected("transformer.output.lora_two.0.8_0.6")),
            kPartTolerance);
}

TEST(Lora, ReadsAlphaFromAnAdaptersFolder) {
  const at::NoGradGuard no_grad;
  EXPECT_LE(distance(output_with({{"peft_adapter", 1.0}}), expected("transformer.output.lora.1.0")),
            kPartTolerance);
}

// bf16 rounds each factor to 8 bits: 2^-9 at most of its size.
TEST(Lora, InBf16IsNearTheSame) {
  const at::NoGradGuard no_grad;
  const double error = distance(output_with({{"peft_bf16.safetensors", 1.0}}),
                                expected("transformer.output.lora.1.0"));
  EXPECT_LE(error, 5e-3);
}

TEST(Lora, MergingLeavesThePristineWeightsAlone) {
  const Weights pristine = tiny_transformer_weights();
  const Tensor before = pristine.tensors().at("double_blocks.0.img_attn.qkv.weight").clone();
  const Lora lora = get(load_lora(folder() / "comfyui/loras/peft.safetensors"));
  const Tensors merged = get(merge_loras(pristine.tensors(), {{lora, 1.0}}));
  EXPECT_TRUE(at::equal(pristine.tensors().at("double_blocks.0.img_attn.qkv.weight"), before));
  EXPECT_FALSE(at::equal(merged.at("double_blocks.0.img_attn.qkv.weight"), before));
  EXPECT_TRUE(merged.at("img_in.weight").is_same(pristine.tensors().at("img_in.weight")));
}

}  // namespace
}  // namespace pirouette::flux::golden
