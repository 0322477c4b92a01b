#include "worker/flux/diffusers_layout.h"

#include <gtest/gtest.h>

namespace pirouette::flux {
namespace {

Weights of(Tensors tensors) { return Weights(std::move(tensors), "model"); }

TEST(DiffusersLayout, FusesQueryKeyAndValueInThatOrder) {
  const std::string at = "transformer_blocks.3.attn.";
  const auto canonical = canonical_transformer(of({{at + "to_q.bias", at::full({2}, 1.0)},
                                                   {at + "to_k.bias", at::full({2}, 2.0)},
                                                   {at + "to_v.bias", at::full({2}, 3.0)}}));
  ASSERT_TRUE(canonical.ok()) << canonical.error().what;
  const Tensor fused = canonical.value().tensors().at("double_blocks.3.img_attn.qkv.bias");
  EXPECT_TRUE(at::equal(fused, at::repeat_interleave(at::arange(1, 4, at::kFloat), 2)));
}

TEST(DiffusersLayout, PutsTheFinalLayersShiftBeforeItsScale) {
  const auto canonical =
      canonical_transformer(of({{"norm_out.linear.bias", at::arange(4, at::kFloat)}}));
  const Tensor bias = canonical.value().tensors().at("final_layer.adaLN_modulation.1.bias");
  EXPECT_EQ(bias[0].item<float>(), 2.0f);
  EXPECT_EQ(bias[2].item<float>(), 0.0f);
}

TEST(DiffusersLayout, AMissingPartOfAFusedTensorIsNamed) {
  const auto canonical =
      canonical_transformer(of({{"transformer_blocks.0.attn.to_q.bias", at::ones({2})}}));
  ASSERT_FALSE(canonical.ok());
  EXPECT_EQ(canonical.error().what,
            "model: the parts of double_blocks.0.img_attn.qkv.bias (q, k, v, mlp) are not all "
            "there or do not fit");
}

TEST(DiffusersLayout, OneTensorUnderTwoNamesIsAnError) {
  const auto canonical = canonical_transformer(
      of({{"x_embedder.bias", at::ones({2})}, {"img_in.bias", at::ones({2})}}));
  ASSERT_FALSE(canonical.ok());
  EXPECT_NE(canonical.error().what.find("is there under another name too"), std::string::npos);
}

TEST(DiffusersLayout, LinearsAreCalledBackInTheOrderOfTheirRows) {
  EXPECT_EQ(
      diffusers_linears("single_blocks.12.linear1"),
      (std::vector<std::string>{
          "single_transformer_blocks.12.attn.to_q", "single_transformer_blocks.12.attn.to_k",
          "single_transformer_blocks.12.attn.to_v", "single_transformer_blocks.12.proj_mlp"}));
  for (const char* canonical : {"double_blocks.0.txt_attn.qkv", "double_blocks.3.img_mlp.2",
                                "final_layer.adaLN_modulation.1", "time_in.out_layer"}) {
    const std::vector<std::string> names = diffusers_linears(canonical);
    ASSERT_FALSE(names.empty()) << canonical;
    for (std::size_t part = 0; part < names.size(); ++part) {
      const auto place = place_module(names[part]);
      ASSERT_TRUE(place) << names[part];
      EXPECT_EQ(place->module, canonical);
      EXPECT_EQ(place->part, static_cast<int>(part));
      EXPECT_EQ(place->parts, static_cast<int>(names.size()));
    }
  }
  EXPECT_TRUE(diffusers_linears("double_blocks.0.img_attn.norm.query_norm").empty());
  EXPECT_TRUE(diffusers_linears("double_blocks.x.img_mlp.2").empty());
}

}  // namespace
}  // namespace pirouette::flux
