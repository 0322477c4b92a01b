#include "worker/flux/cuda/fast_autoencoder.h"

#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <cmath>

#include "worker/flux/cuda/launching.h"

namespace pirouette::flux::cuda {
namespace {

// Queries whose scores are in memory at once: 256 MiB of float32 at 1024 x 1024 pixels.
constexpr int64_t kQueriesAtOnce = 4096;
constexpr int64_t kFusedWidthMax = 256;  // of a head that flash attention has kernels for

Tensor channels_last(const Tensor& x) { return x.contiguous(at::MemoryFormat::ChannelsLast); }

Tensor without_bias(const Conv2d& conv, const Tensor& x) {
  return channels_last(at::conv2d(x, conv.weight, {}, conv.stride, conv.padding));
}

// [B, C, h, w], channels last -> [B, h*w, C], the same memory.
Tensor as_tokens(const Tensor& x) { return x.permute({0, 2, 3, 1}).flatten(1, 2); }

Linear as_linear(const Conv2d& conv) { return {conv.weight.flatten(1), conv.bias}; }

void add_with_bias(const Tensor& x, const Tensor& other, const Tensor& bias) {
  const int64_t channels = x.size(1);
  cuda::add_with_bias(address(x), address(other), address(bias), x.numel() / channels, channels,
                      current_stream(x.device()));
}

// softmax(q k^T / sqrt(C)) v; q, k, v, out [P, C].
void attend_cells(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out) {
  const int64_t cells = q.size(0);
  const double scale = 1.0 / std::sqrt(static_cast<double>(q.size(1)));
  for (int64_t first = 0; first < cells; first += kQueriesAtOnce) {
    const int64_t last = std::min(cells, first + kQueriesAtOnce);
    const Tensor scores = at::empty({last - first, cells}, q.options().dtype(at::kFloat));
    multiply_into(scores, q.slice(0, first, last), Linear{k, {}}, {.factor = scale});
    Tensor rows = out.slice(0, first, last);
    at::mm_out(rows, at::softmax(scores, -1).to(q.scalar_type()), v);
  }
}

// q, k, v [B, cells, C] -> the same. A training's many small pictures go at once.
Tensor attend_each(const Tensor& q, const Tensor& k, const Tensor& v) {
  if (q.size(0) > 1 && q.size(2) <= kFusedWidthMax)
    return attend(q.unsqueeze(1), k.unsqueeze(1), v.unsqueeze(1)).squeeze(1);
  const Tensor attended = at::empty_like(q);
  for (int64_t b = 0; b < q.size(0); ++b) attend_cells(q[b], k[b], v[b], attended[b]);
  return attended;
}

}  // namespace

bool is_fast(const Tensor& x, const GroupNorm& norm) {
  const int64_t channels = norm.weight.size(0);
  return !at::GradMode::is_enabled() && x.is_cuda() && x.scalar_type() == at::kBFloat16 &&
         channels % 8 == 0 && channels % norm.groups == 0 && channels <= 2048 && norm.groups <= 256;
}

Tensor norm_silu(const GroupNorm& norm, const Tensor& input, const Tensor& before, bool silu) {
  const c10::DeviceGuard guard(input.device());
  const Tensor x = channels_last(input);
  const Tensor out = at::empty_like(x);
  GroupNormSilu pass;
  pass.out = address(out);
  pass.x = address(x);
  pass.before = before.defined() ? address(before) : nullptr;
  pass.weight = address(norm.weight);
  pass.bias = address(norm.bias);
  pass.batch = x.size(0);
  pass.channels = x.size(1);
  pass.pixels = x.size(2) * x.size(3);
  pass.groups = norm.groups;
  pass.eps = static_cast<float>(norm.eps);
  pass.silu = silu;
  const Tensor scratch = at::empty({group_norm_scratch(pass)}, x.options().dtype(at::kFloat));
  pass.scratch = scratch.data_ptr<float>();
  group_norm_silu(pass, current_stream(x.device()));
  return out;
}

Tensor run(const ResnetBlock& block, const Tensor& input) {
  const c10::DeviceGuard guard(input.device());
  const Tensor x = channels_last(input);
  const Tensor first = without_bias(block.conv1, norm_silu(block.norm1, x));
  const Tensor h = without_bias(block.conv2, norm_silu(block.norm2, first, block.conv1.bias));
  add_with_bias(h, block.shortcut ? channels_last((*block.shortcut)(x)) : x, block.conv2.bias);
  return h;
}

Tensor run(const AttentionBlock& block, const Tensor& input) {
  const c10::DeviceGuard guard(input.device());
  const Tensor x = channels_last(input);
  const Tensor tokens = as_tokens(norm_silu(block.norm, x, {}, /*silu=*/false));  // [B, P, C]
  const auto project = [&](const Conv2d& conv) { return as_linear(conv)(tokens); };
  const Tensor q = project(block.q), k = project(block.k), v = project(block.v);
  const Tensor attended = attend_each(q, k, v);
  const Tensor projected = at::linear(attended, as_linear(block.proj_out).weight);
  const Tensor out = projected.unflatten(1, {x.size(2), x.size(3)}).permute({0, 3, 1, 2});
  add_with_bias(out, x, block.proj_out.bias);
  return out;
}

}  // namespace pirouette::flux::cuda
