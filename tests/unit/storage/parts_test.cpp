#include "worker/flux/storage/parts.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "tests/unit/storage/stored_files.h"

namespace pirouette::flux {
namespace {

// The names of a tiny part under a prefix, as its files spell them.
std::vector<std::string> under(const std::string& prefix, const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (const std::string& name : names) all.push_back(prefix + name);
  return all;
}

const std::vector<std::string> kTransformer = {"double_blocks.0.img_attn.qkv.weight",
                                               "double_blocks.0.img_attn.norm.key_norm.scale",
                                               "img_in.weight"};
const std::vector<std::string> kClip = {"embeddings.token_embedding.weight",
                                        "encoder.layers.0.layer_norm1.weight"};
const std::vector<std::string> kT5 = {"block.0.layer.0.SelfAttention.q.weight",
                                      "final_layer_norm.weight"};

std::vector<Part> parts_of(const std::vector<std::string>& names) {
  auto parts = recognise(names_only(names));
  if (parts.ok()) return std::move(parts).value();
  ADD_FAILURE() << parts.error().what;
  return {};
}

std::set<std::string> names_in(const Part& part) {
  std::set<std::string> names;
  for (const auto& [name, tensor] : part.file.tensors) names.insert(name);
  return names;
}

TEST(Parts, ATransformerIsFoundUnderAnyPrefix) {
  for (const std::string prefix :
       {"", "model.diffusion_model.", "diffusion_model.", "somebody.elses."}) {
    const auto parts = parts_of(under(prefix, kTransformer));
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(parts[0].kind, PartKind::transformer);
    EXPECT_EQ(parts[0].naming, Naming::black_forest_labs);
    EXPECT_EQ(parts[0].prefix, prefix);
    EXPECT_TRUE(parts[0].file.tensors.contains("img_in.weight"));
  }
}

TEST(Parts, QkNormsMayBeSpelledWeight) {
  const auto parts = parts_of(
      {"double_blocks.0.img_attn.norm.key_norm.weight", "single_blocks.0.norm.query_norm.weight"});
  EXPECT_EQ(names_in(parts[0]),
            (std::set<std::string>{"double_blocks.0.img_attn.norm.key_norm.scale",
                                   "single_blocks.0.norm.query_norm.scale"}));
  const auto twice = recognise(names_only({"double_blocks.0.img_attn.norm.key_norm.weight",
                                           "double_blocks.0.img_attn.norm.key_norm.scale"}));
  EXPECT_NE(twice.error().what.find("is there under another name too"), std::string::npos);
}

TEST(Parts, DiffusersTransformersAreTold) {
  const auto parts = parts_of(
      {"transformer_blocks.0.attn.to_q.weight", "single_transformer_blocks.0.attn.to_q.weight"});
  EXPECT_EQ(parts[0].naming, Naming::diffusers);
  EXPECT_EQ(parts[0].prefix, "");
}

TEST(Parts, ClipIsFoundWithAndWithoutItsPrefixes) {
  for (const std::string prefix :
       {"", "text_model.", "text_encoders.clip_l.transformer.text_model.", "clip_l."}) {
    const auto parts = parts_of(under(prefix, kClip));
    ASSERT_EQ(parts.size(), 1u) << prefix;
    EXPECT_EQ(parts[0].kind, PartKind::clip);
    EXPECT_EQ(names_in(parts[0]),
              (std::set<std::string>{"text_model.embeddings.token_embedding.weight",
                                     "text_model.encoder.layers.0.layer_norm1.weight"}));
  }
}

TEST(Parts, TheOtherHalfOfClipIsLeftOut) {
  const auto parts = parts_of(
      {"text_model.embeddings.token_embedding.weight", "text_projection.weight", "logit_scale",
       "vision_model.embeddings.class_embedding", "visual_projection.weight"});
  EXPECT_EQ(names_in(parts[0]),
            (std::set<std::string>{"text_model.embeddings.token_embedding.weight",
                                   "text_projection.weight", "logit_scale"}));
}

TEST(Parts, T5IsFoundWithAndWithoutItsPrefixes) {
  for (const std::string prefix : {"", "encoder.", "text_encoders.t5xxl.transformer.encoder."}) {
    auto names = under(prefix, kT5);
    names.push_back(prefix.substr(0, prefix.size() - (prefix.empty() ? 0 : 8)) + "shared.weight");
    const auto parts = parts_of(names);
    ASSERT_EQ(parts.size(), 1u) << prefix;
    EXPECT_EQ(parts[0].kind, PartKind::t5);
    EXPECT_EQ(names_in(parts[0]),
              (std::set<std::string>{"shared.weight", "encoder.final_layer_norm.weight",
                                     "encoder.block.0.layer.0.SelfAttention.q.weight"}));
  }
}

TEST(Parts, T5IsFoundUnderLlamaCppsNames) {
  const auto parts =
      parts_of({"token_embd.weight", "enc.output_norm.weight", "enc.blk.0.attn_q.weight",
                "enc.blk.11.ffn_gate.weight", "enc.blk.0.attn_rel_b.weight"});
  EXPECT_EQ(parts[0].naming, Naming::llama_cpp);
  EXPECT_EQ(names_in(parts[0]),
            (std::set<std::string>{
                "shared.weight", "encoder.final_layer_norm.weight",
                "encoder.block.0.layer.0.SelfAttention.q.weight",
                "encoder.block.11.layer.1.DenseReluDense.wi_0.weight",
                "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"}));
}

TEST(Parts, AutoencodersAreToldByTheirKeys) {
  const auto original = parts_of({"decoder.conv_in.weight", "decoder.up.0.block.0.conv1.weight"});
  EXPECT_EQ(original[0].kind, PartKind::autoencoder);
  EXPECT_EQ(original[0].naming, Naming::black_forest_labs);
  const auto diffusers =
      parts_of({"vae.decoder.conv_in.weight", "vae.decoder.up_blocks.0.resnets.0.conv1.weight"});
  EXPECT_EQ(diffusers[0].naming, Naming::diffusers);
  EXPECT_EQ(diffusers[0].prefix, "vae.");
}

TEST(Parts, ACheckpointIsDealtOutToItsParts) {
  std::vector<std::string> names = under("model.diffusion_model.", kTransformer);
  std::ranges::copy(under("text_encoders.clip_l.transformer.text_model.", kClip),
                    std::back_inserter(names));
  std::ranges::copy(under("text_encoders.t5xxl.transformer.encoder.", kT5),
                    std::back_inserter(names));
  names.insert(names.end(), {"text_encoders.t5xxl.transformer.shared.weight",
                             "text_encoders.clip_l.logit_scale", "vae.decoder.conv_in.weight"});
  const auto parts = parts_of(names);
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(parts[1].kind, PartKind::clip);
  EXPECT_TRUE(parts[2].file.tensors.contains("shared.weight"));
  EXPECT_EQ(names_in(parts[3]), std::set<std::string>{"decoder.conv_in.weight"});
}

TEST(Parts, TensorsOfNoPartAreNamed) {
  auto names = under("model.diffusion_model.", kTransformer);
  names.push_back("model_ema.decay");
  const auto parts = recognise(names_only(names));
  ASSERT_FALSE(parts.ok());
  EXPECT_EQ(parts.error().what,
            "model.safetensors: 1 tensors belong to no part of FLUX.1: \"model_ema.decay\"");
}

TEST(Parts, WhatIsNothingKnownSaysWhatItBeginsWith) {
  const auto parts = recognise(names_only({"lm_head.weight"}));
  ASSERT_FALSE(parts.ok());
  EXPECT_EQ(parts.error().what,
            "model.safetensors is no part of FLUX.1 that this engine knows (its first tensor is "
            "\"lm_head.weight\"); it takes a transformer, CLIP-L, T5 v1.1 XXL or an autoencoder");
  EXPECT_NE(recognise(names_only({})).error().what.find("it has no tensors"), std::string::npos);
}

}  // namespace
}  // namespace pirouette::flux
