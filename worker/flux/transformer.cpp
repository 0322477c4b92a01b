#include "worker/flux/transformer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#ifdef PIROUETTE_CUDA
#include "worker/flux/cuda/fast_transformer.h"
#include "worker/flux/cuda/turned_heads.h"
#endif

namespace pirouette::flux {
namespace {

constexpr double kNormEps = 1e-6;
constexpr double kRopeTheta = 10'000;
constexpr int64_t kTimeChannels = 256;     // sinusoids of timestep and guidance
constexpr double kTimeMaxPeriod = 10'000;  // of those sinusoids
constexpr double kTimeScale = 1'000;       // both are fed in thousandths

struct Modulation {
  Tensor shift, scale, gate;  // [B, 1, C]
};

struct Qkv {
  Tensor q, k, v;  // [B, L, H, D]
};

Tensor modulate(const Tensor& x, const Modulation& m) {
  return layer_norm(x, {}, {}, kNormEps) * (1 + m.scale) + m.shift;
}

Rope slice(const Rope& rope, int64_t begin, int64_t end) {
  return {rope.cos.slice(0, begin, end), rope.sin.slice(0, begin, end)};
}

// x [B, L, H, D]: each pair of neighbours turned by its angle, in float32.
Tensor rotate(const Tensor& x, const Rope& rope) {
  const Tensor f = at_least_float32(x);
  const auto pairs = f.unflatten(-1, {-1, 2}).unbind(-1);                  // 2 x [B, L, H, D/2]
  const Tensor turned = at::stack({-pairs[1], pairs[0]}, -1).flatten(-2);  // [B, L, H, D]
  const Tensor cos = rope.cos.unsqueeze(1), sin = rope.sin.unsqueeze(1);   // [L, 1, D]
  return (f * cos + turned * sin).to(x.scalar_type());
}

// [B, L, 3*H*D] of one stream -> q, k, v [B, L, H, D], with q and k normed and turned.
Qkv split_heads(const Tensor& qkv, int64_t heads, const Tensor& query_norm, const Tensor& key_norm,
                const Rope& rope) {
#ifdef PIROUETTE_CUDA
  if (cuda::can_turn_heads(qkv, heads, query_norm)) {
    const auto [q, k, v] = cuda::turned_heads(qkv, heads, query_norm, key_norm, rope.cos, rope.sin);
    return {q, k, v};
  }
#endif
  const auto parts = qkv.unflatten(-1, {3, heads, -1}).unbind(2);
  return {rotate(rms_norm(parts[0], query_norm, kNormEps), rope),
          rotate(rms_norm(parts[1], key_norm, kNormEps), rope), parts[2]};
}

// Of one block, among those of all: writes them, or puts them behind keys and values.
struct Keeping {
  KeptReference* all = nullptr;  // none: nothing is kept
  std::size_t block = 0;

  void pass(Tensor& k, Tensor& v) const {
    if (all == nullptr) return;
    if (all->is_read) {
      const auto both = all->of.at(block).unbind(0);
      k = at::cat({k, both[0]}, 1);
      v = at::cat({v, both[1]}, 1);
      return;
    }
    all->of.resize(std::max(all->of.size(), block + 1));
    const int64_t before = k.size(1) - all->tokens;
    all->of[block] = at::stack({k.slice(1, before), v.slice(1, before)});
  }
};

// -> [B, L, H*D]
Tensor attend_joined(Qkv x, const Keeping& keeping) {
  keeping.pass(x.k, x.v);
  const auto by_head = [](const Tensor& part) { return part.transpose(1, 2); };  // [B, H, L, D]
  return attend(by_head(x.q), by_head(x.k), by_head(x.v)).transpose(1, 2).flatten(2);
}

Tensor gelu_tanh(const Tensor& x) { return at::gelu(x, "tanh"); }

std::pair<Modulation, Modulation> modulations(const Stream& s, const Tensor& vec) {
  const auto m = s.mod(at::silu(vec)).unsqueeze(1).chunk(6, -1);  // 6 x [B, 1, C]
  return {{m[0], m[1], m[2]}, {m[3], m[4], m[5]}};
}

// vec [B, C]; rope covers text, then image.
Tokens run(const DoubleBlock& block, Tokens x, const Tensor& vec, const Rope& rope, int64_t heads,
           const Keeping& keeping) {
  const auto [img_attn, img_mlp] = modulations(block.img, vec);
  const auto [txt_attn, txt_mlp] = modulations(block.txt, vec);
  const int64_t text_len = x.txt.size(1), all = text_len + x.img.size(1);
  const auto project = [&](const Stream& s, const Tensor& tokens, const Modulation& m,
                           const Rope& turns) {
    return split_heads(s.qkv(modulate(tokens, m)), heads, s.query_norm, s.key_norm, turns);
  };
  const Qkv img = project(block.img, x.img, img_attn, slice(rope, text_len, all));
  const Qkv txt = project(block.txt, x.txt, txt_attn, slice(rope, 0, text_len));
  const Tensor out = attend_joined(
      {at::cat({txt.q, img.q}, 1), at::cat({txt.k, img.k}, 1), at::cat({txt.v, img.v}, 1)},
      keeping);  // [B, Lt+Li, C]

  const auto mlp = [](const Stream& s, const Tensor& tokens, const Modulation& m) {
    return m.gate * s.mlp_out(gelu_tanh(s.mlp_in(modulate(tokens, m))));
  };
  x.img = x.img + img_attn.gate * block.img.proj(out.slice(1, text_len));
  x.img = x.img + mlp(block.img, x.img, img_mlp);
  x.txt = x.txt + txt_attn.gate * block.txt.proj(out.slice(1, 0, text_len));
  x.txt = x.txt + mlp(block.txt, x.txt, txt_mlp);
  return x;
}

// x [B, L, C]: attention and MLP side by side on the same normed tokens. Of the outcome only the
// tokens that are wanted.
Tensor run(const SingleBlock& block, const Tensor& x, const Tensor& vec, const Rope& rope,
           int64_t heads, const Keeping& keeping, const TokenRange& wanted) {
  const auto m = block.modulation(at::silu(vec)).unsqueeze(1).chunk(3, -1);  // 3 x [B, 1, C]
  const Modulation mod{m[0], m[1], m[2]};
  const int64_t width = x.size(-1);
  const Tensor wide = block.linear1(modulate(x, mod));  // [B, L, 3*C + mlp]
  // In one go: its gradient is joined in one go, too.
  const auto parts = wide.split_with_sizes({3 * width, wide.size(-1) - 3 * width}, -1);
  Qkv qkv = split_heads(parts[0], heads, block.query_norm, block.key_norm, rope);
  qkv.q = wanted.of(qkv.q);
  const Tensor attention = attend_joined(qkv, keeping);
  const Tensor mlp = gelu_tanh(wanted.of(parts[1]));
  return wanted.of(x) + mod.gate * block.linear2(at::cat({attention, mlp}, -1));
}

// t [B] in the model's dtype -> [B, 256]: cosines, then sines.
Tensor sinusoids(const Tensor& t) {
  const int64_t half = kTimeChannels / 2;
  const auto floats = t.options().dtype(at::kFloat);
  const Tensor frequencies =
      at::exp(at::arange(half, floats) * (-std::log(kTimeMaxPeriod) / static_cast<double>(half)));
  const Tensor angles = (t * kTimeScale).to(at::kFloat).unsqueeze(1) * frequencies;  // [B, half]
  return at::cat({at::cos(angles), at::sin(angles)}, -1).to(t.scalar_type());
}

Result<Stream> take_stream(Weights& w, const std::string& block, const std::string& stream,
                           int64_t width, int64_t head_width) {
  const std::string at = block + stream;
  Stream s;
  s.mod = TRY(w.take_linear(at + "_mod.lin", 6 * width, width));
  s.qkv = TRY(w.take_linear(at + "_attn.qkv", 3 * width, width));
  s.query_norm = TRY(w.take(at + "_attn.norm.query_norm.scale", {head_width}));
  s.key_norm = TRY(w.take(at + "_attn.norm.key_norm.scale", {head_width}));
  s.proj = TRY(w.take_linear(at + "_attn.proj", width, width));
  s.mlp_in = TRY(w.take_linear(at + "_mlp.0", -1, width));
  s.mlp_out = TRY(w.take_linear(at + "_mlp.2", width, s.mlp_in.weight.size(0)));
  return s;
}

Result<SingleBlock> take_single(Weights& w, const std::string& at, int64_t width,
                                int64_t head_width) {
  SingleBlock b;
  b.modulation = TRY(w.take_linear(at + "modulation.lin", 3 * width, width));
  b.linear1 = TRY(w.take_linear(at + "linear1", -1, width));
  b.linear2 = TRY(w.take_linear(at + "linear2", width, b.linear1.weight.size(0) - 2 * width));
  b.query_norm = TRY(w.take(at + "norm.query_norm.scale", {head_width}));
  b.key_norm = TRY(w.take(at + "norm.key_norm.scale", {head_width}));
  return b;
}

Result<Embedder> take_embedder(Weights& w, const std::string& name, int64_t in, int64_t width) {
  return Embedder{TRY(w.take_linear(name + ".in_layer", width, in)),
                  TRY(w.take_linear(name + ".out_layer", width, width))};
}

}  // namespace

Rope make_rope(const Tensor& ids, const RopeAxes& axes) {
  std::vector<Tensor> angles;  // of each axis: [L, axis/2]
  const Tensor positions = ids.to(at::kDouble);
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    const Tensor exponents =
        at::arange(0, axes[axis], 2, positions.options()) / static_cast<double>(axes[axis]);
    const Tensor frequencies = at::reciprocal(at::pow(kRopeTheta, exponents));
    angles.push_back(at::outer(positions.select(1, static_cast<int64_t>(axis)), frequencies));
  }
  const Tensor all = at::cat(angles, -1).repeat_interleave(2, 1);  // [L, D]
  return {at::cos(all).to(at::kFloat), at::sin(all).to(at::kFloat)};
}

Tensor TokenRange::of(const Tensor& x) const {
  return end < 0 ? x : x.slice(1, begin, end);  // all: without a copy in its gradient
}

Tensor Embedder::operator()(const Tensor& x) const { return out_layer(at::silu(in_layer(x))); }

Result<Transformer> Transformer::load(Weights w, const RopeAxes& axes) {
  Transformer t;
  t.axes_ = axes;
  t.adapted_ = w.is_adapted();
  t.img_in_ = TRY(w.take_linear("img_in", -1, -1));
  const int64_t width = t.img_in_.weight.size(0);
  const int64_t head_width = std::accumulate(axes.begin(), axes.end(), int64_t{0});
  if (head_width <= 0 || width % head_width != 0)
    return Error{Errc::invalid, w.source() + ": a width of " + std::to_string(width) +
                                    " does not split into heads of " + std::to_string(head_width) +
                                    " (axes_dims_rope of the transformer's config.json, or of a "
                                    "pirouette.json beside other layouts)"};
  t.heads_ = width / head_width;
  t.txt_in_ = TRY(w.take_linear("txt_in", width, -1));
  t.time_in_ = TRY(take_embedder(w, "time_in", kTimeChannels, width));
  t.vector_in_ = TRY(take_embedder(w, "vector_in", -1, width));
  t.guided_ = w.contains("guidance_in.in_layer.weight");
  if (t.guided_) t.guidance_in_ = TRY(take_embedder(w, "guidance_in", kTimeChannels, width));

  const auto has_block = [&](const std::string& at) {
    return w.contains(at + "img_mod.lin.weight") || w.contains(at + "linear1.weight");
  };
  for (int i = 0;; ++i) {
    const std::string at = "double_blocks." + std::to_string(i) + '.';
    if (i > 0 && !has_block(at)) break;
    t.double_blocks_.push_back({TRY(take_stream(w, at, "img", width, head_width)),
                                TRY(take_stream(w, at, "txt", width, head_width))});
  }
  for (int i = 0;; ++i) {
    const std::string at = "single_blocks." + std::to_string(i) + '.';
    if (i > 0 && !has_block(at)) break;
    t.single_blocks_.push_back(TRY(take_single(w, at, width, head_width)));
  }
  t.final_modulation_ = TRY(w.take_linear("final_layer.adaLN_modulation.1", 2 * width, width));
  t.final_linear_ = TRY(w.take_linear("final_layer.linear", -1, width));
  TRY(w.finish());
  return t;
}

Tensor Transformer::condition(const TransformerInput& input) const {
  Tensor vec = time_in_(sinusoids(input.timestep));
  if (guided_) vec = vec + guidance_in_(sinusoids(input.guidance));
  return vec + vector_in_(input.pooled);  // [B, C]
}

Tensor Transformer::operator()(const TransformerInput& input) const {
#ifdef PIROUETTE_CUDA
  const cuda::FastModel fast{img_in_,        txt_in_,           double_blocks_,
                             single_blocks_, final_modulation_, heads_};
  if (!adapted_ && cuda::is_fast(fast, input)) {
    const bool is_told = input.conditions != nullptr && !input.conditions->modulations.empty();
    return final_linear_(
        cuda::run_blocks(fast, input, is_told ? Tensor() : at::silu(condition(input))));
  }
#endif
  const Tensor vec = condition(input);
  Tokens tokens = embed(input);
  for (std::size_t i = 0; i < blocks(); ++i) tokens = run_block(i, std::move(tokens), vec, input);
  return velocity(tokens, vec);
}

Tokens Transformer::embed(const TransformerInput& input) const {
  return {img_in_(input.img), txt_in_(input.txt)};
}

TokenRange Transformer::read_after(std::size_t index, const TransformerInput& input) const {
  if (index + 1 < blocks()) return {};
  const int64_t text = input.txt.size(1);
  return {text, text + (input.wanted < 0 ? input.img.size(1) : input.wanted)};
}

Tokens Transformer::run_block(std::size_t index, Tokens x, const Tensor& vec,
                              const TransformerInput& input) const {
  const Keeping keeping{input.kept, index};
  if (index < double_blocks_.size())
    return run(double_blocks_[index], std::move(x), vec, input.rope, heads_, keeping);
  const Tensor joined = x.txt.defined() ? at::cat({x.txt, x.img}, 1) : x.img;  // [B, Lt+Li, C]
  return {run(single_blocks_[index - double_blocks_.size()], joined, vec, input.rope, heads_,
              keeping, read_after(index, input)),
          {}};
}

Tensor Transformer::velocity(const Tokens& tokens, const Tensor& vec) const {
  const auto m = final_modulation_(at::silu(vec)).unsqueeze(1).chunk(2, -1);  // shift, scale
  return final_linear_(modulate(tokens.img, {m[0], m[1], {}}));
}

Conditions Transformer::conditions([[maybe_unused]] const TransformerInput& input) const {
#ifdef PIROUETTE_CUDA
  const cuda::FastModel fast{img_in_,        txt_in_,           double_blocks_,
                             single_blocks_, final_modulation_, heads_};
  if (!adapted_ && cuda::is_fast(fast, input))
    return cuda::make_conditions(fast, at::silu(condition(input)));
#endif
  return {};
}

}  // namespace pirouette::flux
