// The passes over tokens against the same in plain operations and float32.

#include "tests/gpu/gpu.h"
#include "worker/flux/cuda/launching.h"
#include "worker/flux/cuda/matmul.h"

namespace pirouette::flux::gpu {
namespace {

using cuda::address;

struct Sizes {
  int64_t batch, tokens, text, heads, head_width;
};

// FLUX.1's width, a tiny model's, and lengths that fill no block.
const Sizes kSizes[] = {{1, 37, 5, 24, 128},
                        {2, 68, 20, 3, 32},
                        {1, 1, 0, 2, 64},
                        {3, 129, 128, 5, 256},
                        {1, 1031, 1031, 24, 128}};

// [B, L, …] of which the first text tokens take from txt and the others from img; each [B, C].
Tensor by_side(const Tensor& txt, const Tensor& img, const Sizes& s) {
  return at::cat({txt.unsqueeze(1).expand({s.batch, s.text, txt.size(1)}),
                  img.unsqueeze(1).expand({s.batch, s.tokens - s.text, img.size(1)})},
                 1);
}

cuda::SideModulation side(const Tensor& chunks, int64_t width) {  // [B, 3*C]: gate, shift, scale
  const cuda::bf16* first = address(chunks);
  return {first, first + width, first + 2 * width, 3 * width, 3 * width};
}

class Tokens : public testing::TestWithParam<Sizes> {};

TEST_P(Tokens, NormAddsTheBranchAndModulatesEachStream) {
  const Sizes s = GetParam();
  const int64_t width = s.heads * s.head_width;
  for (const bool has_branch : {true, false}) {
    const Tensor x = random({s.batch, s.tokens, width}) + 0.5, branch = random(x.sizes());
    const Tensor txt = random({s.batch, 3 * width}, 0.3), img = random({s.batch, 3 * width}, 0.3);
    const auto chunk = [&](int64_t i) {
      return wide(by_side(txt.slice(1, i * width, (i + 1) * width),
                          img.slice(1, i * width, (i + 1) * width), s));
    };
    const Tensor sum =
        has_branch ? (wide(x) + chunk(0) * wide(branch)).to(at::kBFloat16) : x.clone();
    const Tensor wanted =
        at::layer_norm(wide(sum), {width}, {}, {}, 1e-6) * (1 + chunk(2)) + chunk(1);

    const Tensor in_place = x.clone(), normed = poisoned(x.sizes());
    cuda::NormRows rows{address(in_place),
                        has_branch ? address(branch) : nullptr,
                        address(normed),
                        s.batch,
                        s.tokens,
                        s.text,
                        width};
    rows.txt = side(txt, width);
    rows.img = side(img, width);
    cuda::norm_rows(rows, cuda::current_stream(device()));
    EXPECT_LE(distance(in_place, sum), has_branch ? 1e-4 : 0.0);  // but for a fused multiply-add
    EXPECT_LE(distance(normed, wanted), kRoundingTolerance);
  }
}

TEST_P(Tokens, HeadsAreNormedAndTurnedWhereTheyLie) {
  const Sizes s = GetParam();
  const int64_t width = s.heads * s.head_width, stride = 3 * width + 64;
  const Tensor rows = random({s.batch, s.tokens, stride});
  const Tensor angles =
      at::rand({s.tokens, s.head_width / 2}, options(at::kFloat)).repeat_interleave(2, 1) * 7;
  const Tensor cos = at::cos(angles), sin = at::sin(angles);
  Tensor norms[4];  // txt q, k, img q, k
  for (Tensor& norm : norms) norm = random({s.head_width}, 0.2) + 1;

  const auto plain = [&](int64_t part) {  // q or k: [B, L, H, D]
    const Tensor x = wide(rows.slice(2, part * width, (part + 1) * width))
                         .unflatten(-1, {s.heads, s.head_width});
    const Tensor normed = x * at::rsqrt(x.square().mean(-1, true) + 1e-6);
    const Tensor weight = at::cat({norms[part].expand({s.text, s.head_width}),
                                   norms[part + 2].expand({s.tokens - s.text, s.head_width})});
    const Tensor f = normed * wide(weight).unsqueeze(1);
    const auto pairs = f.unflatten(-1, {-1, 2}).unbind(-1);
    const Tensor turned = at::stack({-pairs[1], pairs[0]}, -1).flatten(-2);
    return (f * cos.unsqueeze(1) + turned * sin.unsqueeze(1)).flatten(2);
  };
  const Tensor in_place = rows.clone();
  cuda::TurnHeads turn{address(in_place),
                       stride,
                       cos.data_ptr<float>(),
                       sin.data_ptr<float>(),
                       address(norms[0]),
                       address(norms[1]),
                       address(norms[2]),
                       address(norms[3]),
                       s.batch,
                       s.tokens,
                       s.text,
                       s.heads,
                       s.head_width};
  cuda::turn_heads(turn, cuda::current_stream(device()));
  for (const int64_t part : {0, 1})
    EXPECT_LE(distance(in_place.slice(2, part * width, (part + 1) * width), plain(part)),
              kRoundingTolerance);
  EXPECT_TRUE(at::equal(in_place.slice(2, 2 * width), rows.slice(2, 2 * width)));  // v, and more
}

INSTANTIATE_TEST_SUITE_P(Kernels, Tokens, testing::ValuesIn(kSizes));

TEST(Kernels, RowsAreCopiedBesideWhatIsThere) {
  const Tensor from = random({131, 96}), before = random({131, 400}), to = before.clone();
  cuda::copy_rows(address(to) + 200, 400, address(from), 96, 131, 96,
                  cuda::current_stream(device()));
  EXPECT_TRUE(at::equal(to.slice(1, 200, 296), from));
  EXPECT_TRUE(at::equal(to.slice(1, 0, 200), before.slice(1, 0, 200)));
  EXPECT_TRUE(at::equal(to.slice(1, 296), before.slice(1, 296)));
}

TEST(Kernels, FewRowsAreMultiplied) {
  for (const auto& [batch, n, k] : {std::tuple(1, 9217, 3072), {3, 13, 40}, {2, 1, 4096}}) {
    const Tensor x = random({batch, k}), weight = random({n, k}, 0.05), bias = random({n});
    const Tensor out = poisoned({batch, n});
    cuda::few_rows_product(address(out), address(x), address(weight), address(bias), batch, n, k,
                           cuda::current_stream(device()));
    EXPECT_LE(distance(out, at::linear(wide(x), wide(weight), wide(bias))), kRoundingTolerance);
  }
}

TEST(Matmul, BiasAndGeluAreInTheProduct) {
  for (const auto& [rows, out, in] :
       {std::tuple(513, 384, 96), {37, 1024, 3072}, {4099, 640, 64}}) {
    const Tensor x = random({rows, in + 8}).slice(1, 8), weight = random({out, in}, 0.05);
    const Linear linear{weight, random({out})};
    for (const bool gelu : {false, true}) {
      const Tensor whole = poisoned({rows, out + 16}), to = whole.slice(1, 8, 8 + out);
      cuda::multiply_into(to, x, linear, {.gelu = gelu});
      Tensor wanted = at::linear(wide(x), wide(weight), wide(linear.bias));
      if (gelu) wanted = at::gelu(wanted, "tanh");
      EXPECT_LE(distance(to, wanted), kRoundingTolerance) << rows << " gelu " << gelu;
      EXPECT_TRUE(at::isnan(whole.slice(1, 0, 8)).all().item<bool>());
      EXPECT_TRUE(at::isnan(whole.slice(1, 8 + out)).all().item<bool>());
    }
  }
}

TEST(Matmul, FloatScoresAreScaled) {
  const Tensor q = random({260, 512}), k = random({777, 512});
  const Tensor scores = poisoned({260, 777 + 3}, at::kFloat).slice(1, 0, 777);
  cuda::multiply_into(scores, q, Linear{k, {}}, {.factor = 0.25});
  EXPECT_LE(distance(scores, at::mm(wide(q), wide(k).t()) * 0.25), 1e-5);
}

}  // namespace
}  // namespace pirouette::flux::gpu
