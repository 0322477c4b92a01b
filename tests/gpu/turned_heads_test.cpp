// Heads with a gradient against the same in plain operations and float32, and its own gradients.

#include "worker/flux/cuda/turned_heads.h"

#include <torch/csrc/autograd/autograd.h>

#include "tests/gpu/gpu.h"

namespace pirouette::flux::gpu {
namespace {

struct Sizes {
  int64_t batch, tokens, heads, head_width, beside;  // beside: numbers of a row that are not heads
};

// The small Kontext's, FLUX.1's, some that fill no block and no warp, and rows that lie where no
// kernel can read them.
const Sizes kSizes[] = {{2, 593, 6, 32, 768}, {1, 37, 24, 128, 0}, {1, 1, 1, 64, 8},
                        {3, 129, 5, 256, 0},  {5, 7, 3, 32, 16},   {2, 9, 3, 32, 4}};

class TurnedHeads : public testing::TestWithParam<Sizes> {};

// x [B, L, H, D] as the model's definition has it.
Tensor plainly(const Tensor& x, const Tensor& weight, const Tensor& cos, const Tensor& sin) {
  const Tensor normed = x * at::rsqrt(x.square().mean(-1, true) + 1e-6) * weight;
  const auto pairs = normed.unflatten(-1, {-1, 2}).unbind(-1);
  const Tensor crossed = at::stack({-pairs[1], pairs[0]}, -1).flatten(-2);
  return normed * cos.unsqueeze(1) + crossed * sin.unsqueeze(1);
}

TEST_P(TurnedHeads, AreThoseOfPlainOperationsAndSoAreTheirGradients) {
  const Sizes s = GetParam();
  const int64_t width = 3 * s.heads * s.head_width;
  const Tensor rows = random({s.batch, s.tokens, width + s.beside}).requires_grad_(true);
  const Tensor query_norm = (random({s.head_width}, 0.2) + 1).requires_grad_(true);
  const Tensor key_norm = (random({s.head_width}, 0.2) + 1).requires_grad_(true);
  const Tensor angles =
      at::rand({s.tokens, s.head_width / 2}, options(at::kFloat)).repeat_interleave(2, 1) * 7;
  const Tensor cos = at::cos(angles), sin = at::sin(angles);
  // As attention leaves them: heads before tokens, or tokens before heads.
  const Tensor slopes[] = {random({s.batch, s.heads, s.tokens, s.head_width}).transpose(1, 2),
                           random({s.batch, s.tokens, s.heads, s.head_width}),
                           random({s.batch, s.heads, s.tokens, s.head_width}).transpose(1, 2)};

  const auto heads =
      cuda::turned_heads(rows.slice(2, 0, width), s.heads, query_norm, key_norm, cos, sin);
  torch::autograd::backward({heads[0], heads[1], heads[2]}, {slopes[0], slopes[1], slopes[2]});

  const auto leaf = [](const Tensor& x) { return wide(x.detach()).requires_grad_(true); };
  const Tensor rows32 = leaf(rows), query32 = leaf(query_norm), key32 = leaf(key_norm);
  const auto parts = rows32.slice(2, 0, width).unflatten(-1, {3, s.heads, -1}).unbind(2);
  const Tensor wanted[] = {plainly(parts[0], query32, cos, sin), plainly(parts[1], key32, cos, sin),
                           parts[2]};
  torch::autograd::backward({wanted[0], wanted[1], wanted[2]},
                            {wide(slopes[0]), wide(slopes[1]), wide(slopes[2])});

  for (int i = 0; i < 3; ++i) EXPECT_LE(distance(heads[i], wanted[i]), kRoundingTolerance) << i;
  EXPECT_LE(distance(rows.grad(), rows32.grad()), kRoundingTolerance);
  EXPECT_LE(distance(query_norm.grad(), query32.grad()), kRoundingTolerance);
  EXPECT_LE(distance(key_norm.grad(), key32.grad()), kRoundingTolerance);
}

INSTANTIATE_TEST_SUITE_P(Sizes, TurnedHeads, testing::ValuesIn(kSizes));

}  // namespace
}  // namespace pirouette::flux::gpu
