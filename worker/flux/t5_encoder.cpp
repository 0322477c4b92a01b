#include "worker/flux/t5_encoder.h"

#include <cmath>

#include "worker/flux/encoder_ops.h"

namespace pirouette::flux {
namespace {

// config.json's of every T5 v1.1: layer_norm_epsilon, relative_attention_max_distance.
constexpr double kNormEps = 1e-6;
constexpr double kMaxDistance = 128.0;

Result<Linear> take_projection(Weights& w, const std::string& name, int64_t out, int64_t in) {
  return Linear{TRY(w.take(name + ".weight", {out, in})), {}};
}

Result<T5Block> take_block(Weights& w, const std::string& name, int64_t width, int64_t heads) {
  T5Block block;
  const std::string attention = name + "layer.0.";
  const std::string feed = name + "layer.1.";
  block.attention_norm = TRY(w.take(attention + "layer_norm.weight", {width}));
  block.q = TRY(take_projection(w, attention + "SelfAttention.q", -1, width));
  const int64_t inner = block.q.weight.size(0);
  if (inner % heads != 0) {
    return Error{Errc::invalid, w.source() + ": " + std::to_string(heads) +
                                    " attention heads do not divide a width of " +
                                    std::to_string(inner)};
  }
  block.k = TRY(take_projection(w, attention + "SelfAttention.k", inner, width));
  block.v = TRY(take_projection(w, attention + "SelfAttention.v", inner, width));
  block.o = TRY(take_projection(w, attention + "SelfAttention.o", width, inner));
  block.feed_norm = TRY(w.take(feed + "layer_norm.weight", {width}));
  block.gate = TRY(take_projection(w, feed + "DenseReluDense.wi_0", -1, width));
  const int64_t hidden = block.gate.weight.size(0);
  block.up = TRY(take_projection(w, feed + "DenseReluDense.wi_1", hidden, width));
  block.down = TRY(take_projection(w, feed + "DenseReluDense.wo", width, hidden));
  return block;
}

// Which bucket the distance from each token to each other falls in: [L, L] int64. Half of the
// buckets look back, half ahead; half of each are exact, the rest grow like the logarithm.
Tensor make_buckets(int64_t length, int64_t buckets, const at::Device& device) {
  const Tensor position = at::arange(length, at::TensorOptions(at::kLong).device(device));
  const Tensor distance = position.unsqueeze(0) - position.unsqueeze(1);  // key - query
  const int64_t half = buckets / 2;
  const int64_t exact = half / 2;
  const Tensor size = distance.abs();
  // In float32 and in this order, as the reference: the result is truncated.
  const Tensor grown = at::log(size.to(at::kFloat) / static_cast<double>(exact)) /
                       std::log(kMaxDistance / static_cast<double>(exact)) *
                       static_cast<double>(half - exact);
  const Tensor far = (exact + grown.clamp_min(0).to(at::kLong)).clamp_max(half - 1);
  return distance.gt(0).to(at::kLong) * half + at::where(size.lt(exact), size, far);
}

}  // namespace

Result<T5Encoder> T5Encoder::load(Weights weights) {
  T5Encoder encoder;
  // The same tensor under the names of different exports; some carry both.
  const std::string names[] = {"shared.weight", "encoder.embed_tokens.weight"};
  for (const std::string& name : names) {
    if (weights.contains(name) || (name == names[1] && !encoder.embedding_.defined())) {
      encoder.embedding_ = TRY(weights.take(name, {-1, -1}));
    }
  }
  const int64_t width = encoder.width();
  const std::string first = "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight";
  encoder.relative_bias_ = TRY(weights.take(first, {-1, -1}));
  const int64_t heads = encoder.relative_bias_.size(1);
  if (encoder.relative_bias_.size(0) < 4 || encoder.relative_bias_.size(0) % 4 != 0 || heads == 0) {
    return Error{Errc::invalid, weights.source() + ": " + first + " has an unusable shape"};
  }
  for (int i = 0;; ++i) {
    const std::string block = "encoder.block." + std::to_string(i) + ".";
    if (!weights.contains(block + "layer.0.layer_norm.weight")) break;
    encoder.blocks_.push_back(TRY(take_block(weights, block, width, heads)));
  }
  encoder.final_norm_ = TRY(weights.take("encoder.final_layer_norm.weight", {width}));
  TRY(weights.finish());
  return encoder;
}

Tensor T5Encoder::position_bias(int64_t length) const {
  const Tensor buckets = make_buckets(length, relative_bias_.size(0), relative_bias_.device());
  return wide(at::embedding(relative_bias_, buckets)).permute({2, 0, 1});  // [H, L, L]
}

Tensor T5Encoder::run_block(const T5Block& block, const Tensor& x, const Tensor& bias) const {
  const int64_t heads = relative_bias_.size(1);
  const Tensor n = rms_norm(x, wide_on(x.device(), block.attention_norm), kNormEps);
  const auto split = [&](const Linear& linear) {  // [B, L, C] -> [B, H, L, D]
    const int64_t head_width = linear.weight.size(0) / heads;
    return apply_wide(linear, n).unflatten(-1, {heads, head_width}).transpose(1, 2);
  };
  // T5 does not scale its scores: its initialisation does.
  const Tensor attended = attend(split(block.q), split(block.k), split(block.v), bias, 1.0);
  const Tensor y = x + apply_wide(block.o, attended.transpose(1, 2).flatten(2));  // [B, L, C]
  const Tensor m = rms_norm(y, wide_on(x.device(), block.feed_norm), kNormEps);
  const Tensor gated = at::gelu(apply_wide(block.gate, m), "tanh") * apply_wide(block.up, m);
  return y + apply_wide(block.down, gated);
}

Result<Tensor> T5Encoder::encode(std::span<const std::int64_t> ids) const {
  const Ids text(ids.begin(), ids.end());
  return encode_all({&text, 1});
}

Result<Tensor> T5Encoder::encode_all(std::span<const Ids> texts) const {
  PIROUETTE_CHECK(!texts.empty() && !texts.front().empty());
  const Tensor index = TRY(make_index(texts, embedding_, "T5"));  // [B, L]
  const at::Device device = computes_on_.value_or(embedding_.device());
  Tensor x = wide_on(device, at::embedding(embedding_, index));
  const Tensor bias = position_bias(index.size(1)).to(device);
  for (const T5Block& block : blocks_) x = run_block(block, x, bias);
  return rms_norm(x, wide_on(device, final_norm_), kNormEps);
}

}  // namespace pirouette::flux
