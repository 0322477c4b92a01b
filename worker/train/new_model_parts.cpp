#include "worker/train/new_model_parts.h"

#include <algorithm>

namespace pirouette::train {
namespace {

constexpr std::int64_t kTimeChannels = 256;  // of the sinusoids of timestep and guidance
constexpr std::int64_t kMlpRatio = 4;

// diffusers: CLIP's and DiT's embeddings begin so.
constexpr double kEmbeddingDeviation = 0.02;

void add_embedder(RandomWeights& w, const std::string& name, std::int64_t in, std::int64_t width) {
  for (const auto& [layer, from] : {std::pair(".linear_1", in), {".linear_2", width}}) {
    w.normal(name + layer + ".weight", {width, from}, kEmbeddingDeviation);
    w.constant(name + layer + ".bias", {width}, 0);
  }
}

void add_double(RandomWeights& w, const std::string& at, std::int64_t width,
                std::int64_t head_width) {
  w.linear_of_zeros(at + "norm1.linear", 6 * width, width);
  w.linear_of_zeros(at + "norm1_context.linear", 6 * width, width);
  for (const char* part :
       {"to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj", "to_out.0", "to_add_out"})
    w.linear(at + "attn." + part, width, width);
  for (const char* part : {"norm_q", "norm_k", "norm_added_q", "norm_added_k"})
    w.constant(at + "attn." + part + ".weight", {head_width}, 1);
  for (const char* part : {"ff", "ff_context"}) {
    w.linear(at + part + ".net.0.proj", kMlpRatio * width, width);
    w.linear(at + part + ".net.2", width, kMlpRatio * width);
  }
}

void add_single(RandomWeights& w, const std::string& at, std::int64_t width,
                std::int64_t head_width) {
  w.linear_of_zeros(at + "norm.linear", 3 * width, width);
  for (const char* part : {"to_q", "to_k", "to_v"}) w.linear(at + "attn." + part, width, width);
  for (const char* part : {"norm_q", "norm_k"})
    w.constant(at + "attn." + part + ".weight", {head_width}, 1);
  w.linear(at + "proj_mlp", kMlpRatio * width, width);
  w.linear(at + "proj_out", width, (1 + kMlpRatio) * width);
}

void add_resnet(RandomWeights& w, const std::string& at, std::int64_t in, std::int64_t out) {
  w.norm(at + ".norm1", in);
  w.conv(at + ".conv1", out, in, 3);
  w.norm(at + ".norm2", out);
  w.conv(at + ".conv2", out, out, 3);
  if (in != out) w.conv(at + ".conv_shortcut", out, in, 1);
}

void add_middle(RandomWeights& w, const std::string& at, std::int64_t width) {
  add_resnet(w, at + ".resnets.0", width, width);
  w.norm(at + ".attentions.0.group_norm", width);
  for (const char* part : {"to_q", "to_k", "to_v", "to_out.0"})
    w.linear(at + ".attentions.0." + part, width, width);
  add_resnet(w, at + ".resnets.1", width, width);
}

// Blocks from one width to another, in one level.
void add_level(RandomWeights& w, const std::string& at, std::int64_t blocks, std::int64_t in,
               std::int64_t out) {
  for (std::int64_t i = 0; i < blocks; ++i)
    add_resnet(w, at + ".resnets." + std::to_string(i), i == 0 ? in : out, out);
}

}  // namespace

void add_transformer(const NewTransformer& s, RandomWeights& w) {
  const std::int64_t width = s.heads * s.head_width;
  w.linear("x_embedder", width, s.channels);
  w.linear("context_embedder", width, s.text);
  const std::string times = "time_text_embed.";
  add_embedder(w, times + "timestep_embedder", kTimeChannels, width);
  if (s.guided) add_embedder(w, times + "guidance_embedder", kTimeChannels, width);
  add_embedder(w, times + "text_embedder", s.pooled, width);
  for (std::int64_t i = 0; i < s.doubles; ++i)
    add_double(w, "transformer_blocks." + std::to_string(i) + '.', width, s.head_width);
  for (std::int64_t i = 0; i < s.singles; ++i)
    add_single(w, "single_transformer_blocks." + std::to_string(i) + '.', width, s.head_width);
  w.linear_of_zeros("norm_out.linear", 2 * width, width);
  w.linear_of_zeros("proj_out", s.channels, width);
}

void add_autoencoder(const NewAutoencoder& s, RandomWeights& w) {
  const std::size_t levels = s.widths.size();
  const std::int64_t deep = s.widths.back();
  std::int64_t width = s.widths.front();
  w.conv("encoder.conv_in", width, 3, 3);
  for (std::size_t i = 0; i < levels; ++i) {
    const std::string at = "encoder.down_blocks." + std::to_string(i);
    add_level(w, at, s.blocks, width, s.widths[i]);
    width = s.widths[i];
    if (i + 1 < levels) w.conv(at + ".downsamplers.0.conv", width, width, 3);
  }
  add_middle(w, "encoder.mid_block", deep);
  w.norm("encoder.conv_norm_out", deep);
  w.conv("encoder.conv_out", 2 * s.latents, deep, 3);
  w.conv("decoder.conv_in", deep, s.latents, 3);
  add_middle(w, "decoder.mid_block", deep);
  width = deep;
  for (std::size_t i = 0; i < levels; ++i) {
    const std::string at = "decoder.up_blocks." + std::to_string(i);
    const std::int64_t out = s.widths[levels - 1 - i];
    add_level(w, at, s.blocks + 1, width, out);
    width = out;
    if (i + 1 < levels) w.conv(at + ".upsamplers.0.conv", width, width, 3);
  }
  w.norm("decoder.conv_norm_out", width);
  w.conv("decoder.conv_out", 3, width, 3);
}

// Deviations of both encoders: transformers, models/clip and models/t5, _init_weights.
void add_clip(const NewClip& s, RandomWeights& w) {
  const std::string text = "text_model.";
  w.normal(text + "embeddings.token_embedding.weight", {s.words, s.width}, kEmbeddingDeviation);
  w.normal(text + "embeddings.position_embedding.weight", {s.positions, s.width},
           kEmbeddingDeviation);
  const auto dense = [&](const std::string& name, std::int64_t out, std::int64_t in,
                         double deviation) {
    w.normal(name + ".weight", {out, in}, deviation);
    w.constant(name + ".bias", {out}, 0);
  };
  const double root = 1 / std::sqrt(static_cast<double>(s.width));
  const double in_deep = root / std::sqrt(2.0 * static_cast<double>(s.layers));
  for (std::int64_t i = 0; i < s.layers; ++i) {
    const std::string at = text + "encoder.layers." + std::to_string(i) + '.';
    w.norm(at + "layer_norm1", s.width);
    w.norm(at + "layer_norm2", s.width);
    for (const char* part : {"q_proj", "k_proj", "v_proj"})
      dense(at + "self_attn." + part, s.width, s.width, in_deep);
    dense(at + "self_attn.out_proj", s.width, s.width, root);
    dense(at + "mlp.fc1", s.inner, s.width, root / std::sqrt(2.0));
    dense(at + "mlp.fc2", s.width, s.inner, in_deep);
  }
  w.norm(text + "final_layer_norm", s.width);
}

void add_t5(const NewT5& s, RandomWeights& w) {
  const auto root = [](std::int64_t count) { return 1 / std::sqrt(static_cast<double>(count)); };
  const std::int64_t inner = s.heads * s.head_width;
  w.normal("shared.weight", {s.words, s.width}, 1);
  for (std::int64_t i = 0; i < s.layers; ++i) {
    const std::string at = "encoder.block." + std::to_string(i) + ".layer.";
    const std::string attention = at + "0.SelfAttention.";
    w.normal(attention + "q.weight", {inner, s.width}, root(s.width * s.head_width));
    w.normal(attention + "k.weight", {inner, s.width}, root(s.width));
    w.normal(attention + "v.weight", {inner, s.width}, root(s.width));
    w.normal(attention + "o.weight", {s.width, inner}, root(inner));
    if (i == 0)
      w.normal(attention + "relative_attention_bias.weight", {s.buckets, s.heads}, root(s.width));
    w.constant(at + "0.layer_norm.weight", {s.width}, 1);
    for (const char* part : {"wi_0", "wi_1"})
      w.normal(at + "1.DenseReluDense." + part + ".weight", {s.inner, s.width}, root(s.width));
    w.normal(at + "1.DenseReluDense.wo.weight", {s.width, s.inner}, root(s.inner));
    w.constant(at + "1.layer_norm.weight", {s.width}, 1);
  }
  w.constant("encoder.final_layer_norm.weight", {s.width}, 1);
}

}  // namespace pirouette::train
