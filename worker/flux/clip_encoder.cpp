#include "worker/flux/clip_encoder.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "worker/flux/encoder_ops.h"
#include "worker/flux/to_device.h"

namespace pirouette::flux {
namespace {

// config.json's of every published CLIP text encoder.
constexpr double kNormEps = 1e-5;

Result<LayerNorm> take_norm(Weights& w, const std::string& name, int64_t width) {
  LayerNorm norm;
  norm.weight = TRY(w.take(name + ".weight", {width}));
  norm.bias = TRY(w.take(name + ".bias", {width}));
  return norm;
}

Result<ClipLayer> take_layer(Weights& w, const std::string& name, int64_t width) {
  ClipLayer layer;
  layer.norm1 = TRY(take_norm(w, name + "layer_norm1", width));
  layer.norm2 = TRY(take_norm(w, name + "layer_norm2", width));
  layer.q = TRY(w.take_linear(name + "self_attn.q_proj", width, width));
  layer.k = TRY(w.take_linear(name + "self_attn.k_proj", width, width));
  layer.v = TRY(w.take_linear(name + "self_attn.v_proj", width, width));
  layer.out = TRY(w.take_linear(name + "self_attn.out_proj", width, width));
  layer.fc1 = TRY(w.take_linear(name + "mlp.fc1", -1, width));
  layer.fc2 = TRY(w.take_linear(name + "mlp.fc2", width, layer.fc1.weight.size(0)));
  return layer;
}

Tensor normed(const LayerNorm& norm, const Tensor& x) {
  return layer_norm(x, wide(norm.weight), wide(norm.bias), kNormEps);
}

// OpenAI's cheap GELU, which CLIP was trained with.
Tensor quick_gelu(const Tensor& x) { return x * at::sigmoid(x * 1.702); }

}  // namespace

Result<ClipEncoder> ClipEncoder::load(Weights weights, int64_t heads) {
  ClipEncoder encoder;
  const std::string embeddings = "text_model.embeddings.";
  encoder.token_embedding_ = TRY(weights.take(embeddings + "token_embedding.weight", {-1, -1}));
  const int64_t width = encoder.width();
  if (heads <= 0 || width % heads != 0) {
    return Error{Errc::invalid, weights.source() + ": " + std::to_string(heads) +
                                    " attention heads do not divide a width of " +
                                    std::to_string(width) +
                                    " (num_attention_heads of the text encoder's config.json, or "
                                    "of a pirouette.json beside other layouts)"};
  }
  encoder.heads_ = heads;
  encoder.position_embedding_ =
      TRY(weights.take(embeddings + "position_embedding.weight", {-1, width}));
  for (int i = 0;; ++i) {
    const std::string layer = "text_model.encoder.layers." + std::to_string(i) + ".";
    if (!weights.contains(layer + "layer_norm1.weight")) break;
    encoder.layers_.push_back(TRY(take_layer(weights, layer, width)));
  }
  encoder.final_norm_ = TRY(take_norm(weights, "text_model.final_layer_norm", width));
  // What some exports carry besides and a text encoder does not use.
  for (const std::string& spare :
       {embeddings + "position_ids", std::string("text_projection.weight")}) {
    if (weights.contains(spare)) (void)TRY(weights.take(spare, {-1, -1}));
  }
  if (weights.contains("logit_scale")) (void)TRY(weights.take("logit_scale", {}));
  TRY(weights.finish());
  return encoder;
}

Tensor ClipEncoder::run_layer(const ClipLayer& layer, const Tensor& x, const Tensor& mask) const {
  const int64_t head_width = width() / heads_;
  const Tensor n = normed(layer.norm1, x);
  const auto heads = [&](const Linear& linear) {  // [B, L, C] -> [B, H, L, D]
    return apply_wide(linear, n).unflatten(-1, {heads_, head_width}).transpose(1, 2);
  };
  const Tensor attended = attend(heads(layer.q), heads(layer.k), heads(layer.v), mask,
                                 1.0 / std::sqrt(static_cast<double>(head_width)));
  const Tensor y = x + apply_wide(layer.out, attended.transpose(1, 2).flatten(2));  // [B, L, C]
  return y + apply_wide(layer.fc2, quick_gelu(apply_wide(layer.fc1, normed(layer.norm2, y))));
}

Result<ClipEncoder::Output> ClipEncoder::encode(std::span<const std::int64_t> ids,
                                                std::int64_t end_id) const {
  const Ids text(ids.begin(), ids.end());
  return encode_all({&text, 1}, end_id);
}

Result<ClipEncoder::Output> ClipEncoder::encode_all(std::span<const Ids> texts,
                                                    std::int64_t end_id) const {
  PIROUETTE_CHECK(!texts.empty() && !texts.front().empty());
  const auto length = static_cast<int64_t>(texts.front().size());
  const Tensor index = TRY(make_index(texts, token_embedding_, "CLIP"));  // [B, L]
  if (length > position_embedding_.size(0)) {
    return Error{Errc::invalid,
                 "the CLIP text encoder has " + std::to_string(position_embedding_.size(0)) +
                     " positions, the text has " + std::to_string(length) + " tokens"};
  }
  Tensor x =
      wide(at::embedding(token_embedding_, index)) + wide(position_embedding_.slice(0, 0, length));
  // Each token sees itself and what is before it: -inf above the diagonal, 0 elsewhere.
  const Tensor mask =
      at::full({length, length}, -std::numeric_limits<float>::infinity(), x.options()).triu(1);
  for (const ClipLayer& layer : layers_) x = run_layer(layer, x, mask);
  x = normed(final_norm_, x);
  const Tensor ends = at::empty({static_cast<int64_t>(texts.size())}, at::kLong);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto end = std::ranges::find(texts[i], end_id);
    // Without an end token the reference's arg-max falls on the first.
    const int64_t at = end == texts[i].end() ? 0 : end - texts[i].begin();
    ends.data_ptr<int64_t>()[i] = static_cast<int64_t>(i) * length + at;
  }
  return Output{x, at::index_select(x.flatten(0, 1), 0, to_device(ends, x.device()))};
}

}  // namespace pirouette::flux
