#include "tests/golden/golden.h"
#include "worker/flux/clip_encoder.h"
#include "worker/flux/t5_encoder.h"
#include "worker/flux/tokenizers/clip_tokenizer.h"
#include "worker/flux/tokenizers/t5_tokenizer.h"

namespace pirouette::flux::golden {
namespace {

std::string prompt(std::size_t i) { return cases()["prompts"][i].get<std::string>(); }

// heads: num_attention_heads of text_encoder/config.json.
ClipEncoder tiny_clip() {
  return get(ClipEncoder::load(get(load_weights(folder() / "text_encoder")), 4));
}

T5Encoder tiny_t5() { return get(T5Encoder::load(get(load_weights(folder() / "text_encoder_2")))); }

TEST(ClipEncoder, EncodesPromptsLikeTheReference) {
  const at::NoGradGuard no_grad;
  const ClipTokenizer tokenizer = get(ClipTokenizer::load(folder() / "tokenizer"));
  const ClipEncoder encoder = tiny_clip();
  for (const std::size_t i : {0u, 1u}) {
    const auto output = get(encoder.encode(tokenizer.encode(prompt(i)), tokenizer.end_id()));
    const std::string name = "clip." + std::to_string(i);
    EXPECT_LE(distance(output.hidden, expected(name + ".last_hidden_state")), kPartTolerance);
    EXPECT_LE(distance(output.pooled, expected(name + ".pooler_output")), kPartTolerance);
  }
}

TEST(T5Encoder, EncodesPromptsLikeTheReferenceAtAnyPadding) {
  const at::NoGradGuard no_grad;
  const T5Tokenizer tokenizer = get(T5Tokenizer::load(folder() / "tokenizer_2"));
  const T5Encoder encoder = tiny_t5();
  const auto encode = [&](std::size_t i, std::size_t length) {
    return get(encoder.encode(tokenizer.encode(prompt(i), length)));
  };
  EXPECT_LE(distance(encode(0, 64), expected("t5.0.last_hidden_state")), kPartTolerance);
  EXPECT_LE(distance(encode(1, 64), expected("t5.1.last_hidden_state")), kPartTolerance);
  EXPECT_LE(distance(encode(1, 512), expected("t5.512.last_hidden_state")), kPartTolerance);
}

// The files' float16 and bfloat16 widened beforehand, or as they are used: the same.
TEST(T5Encoder, StoredWidthDoesNotChangeTheResult) {
  const at::NoGradGuard no_grad;
  const std::vector<std::int64_t> ids = {5, 6, 7, 1, 0, 0};
  const T5Encoder wide =
      get(T5Encoder::load(get(load_weights(folder() / "text_encoder_2")).to(at::kFloat, at::kCPU)));
  EXPECT_TRUE(at::equal(get(wide.encode(ids)), get(tiny_t5().encode(ids))));
}

TEST(TextEncoders, TokenOfAnotherModelIsRefused) {
  const at::NoGradGuard no_grad;
  const std::vector<std::int64_t> ids = {1, 1'000'000};
  EXPECT_EQ(tiny_clip().encode(ids, 0).error().code, Errc::invalid);
  EXPECT_EQ(tiny_t5().encode(ids).error().code, Errc::invalid);
  EXPECT_FALSE(tiny_clip().encode(std::vector<std::int64_t>(78, 1), 0).ok());
}

TEST(TextEncoders, MissingAndLeftOverWeightsAreNamed) {
  const auto load_without = [](const std::string& name) {
    Tensors tensors = get(load_weights(folder() / "text_encoder_2")).tensors();
    tensors.erase(name);
    tensors.emplace("decoder.extra", at::zeros({1}));
    return T5Encoder::load(Weights(std::move(tensors), "t5"));
  };
  const std::string norm = "encoder.final_layer_norm.weight";
  EXPECT_NE(load_without(norm).error().what.find(norm), std::string::npos);
  EXPECT_NE(load_without("").error().what.find("decoder.extra"), std::string::npos);
  EXPECT_FALSE(ClipEncoder::load(get(load_weights(folder() / "text_encoder")), 7).ok());
}

}  // namespace
}  // namespace pirouette::flux::golden
