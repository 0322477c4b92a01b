// Float8: rows quantised against the host's same bytes, products against float64 of what they were
// given, and the model against the wide one.

#include "worker/flux/fp8.h"

#include "tests/gpu/gpu.h"
#include "worker/flux/cuda/fp8_kernels.h"
#include "worker/flux/cuda/fp8_product.h"
#include "worker/flux/cuda/launching.h"
#include "worker/flux/kontext.h"

namespace pirouette::flux::gpu {
namespace {

// e4m3 keeps 4 bits: 2^-5 of each number at worst, 2.6 % of a row of random ones.
constexpr double kFp8Tolerance = 4e-2;
// Products whose operands are the same: the outcome's rounding, and sums of 14 bits, of which each
// addend costs some. Measured: 1.8e-3 of 384 numbers in, 2.0e-3 of 3,072, 3.4e-3 of 15,360.
constexpr double kProductTolerance = 6e-3;

Fp8Rows poisoned_rows(int64_t rows, int64_t width) {
  return {at::full({rows, width}, 0x7F, options(at::kByte)), poisoned({rows}, at::kFloat)};
}

TEST(Float8, RowsAreTheHostsBytes) {
  for (const auto& [rows, width] :
       {std::pair(1, 8), {37, 96}, {129, 3072}, {5, 15360}, {3, 32768}}) {
    Tensor x = random({rows, width});
    x.slice(0, 0, 1).zero_();
    if (rows > 2) x.slice(0, 1, 2).mul_(1e-20);
    const Fp8Rows got = quantise_rows(x), wanted = quantise_rows(x.cpu());
    EXPECT_TRUE(at::equal(got.bytes.cpu(), wanted.bytes)) << rows << " x " << width;
    EXPECT_TRUE(at::equal(got.scales.cpu(), wanted.scales)) << rows << " x " << width;
    EXPECT_TRUE(at::equal(widen_rows(got, at::kFloat).cpu(), widen_rows(wanted, at::kFloat)));
  }
}

TEST(Float8, GeluAndWhatIsBesideItAreQuantisedTogether) {
  for (const auto& [rows, first, second] :
       {std::tuple(131, 96, 384), {7, 3072, 12288}, {1, 0, 64}, {65, 640, 0}}) {
    const Tensor a = random({rows, first + 16}), b = random({rows, second + 8}, 2);
    const Fp8Rows got = poisoned_rows(rows, first + second);
    cuda::QuantiseRows q;
    q.bytes = got.bytes.data_ptr<std::uint8_t>();
    q.scales = got.scales.data_ptr<float>();
    q.first = cuda::address(a);
    q.first_stride = a.stride(0);
    q.first_width = first;
    q.second = cuda::address(b);
    q.second_stride = b.stride(0);
    q.second_width = second;
    q.rows = rows;
    cuda::quantise_rows(q, cuda::current_stream(device()));
    const Tensor wanted =
        at::cat({wide(a.slice(1, 0, first)), at::gelu(wide(b.slice(1, 0, second)), "tanh")}, 1);
    EXPECT_LE(distance(widen_rows(got, at::kFloat), wanted), kFp8Tolerance) << rows;
    const Tensor peaks = wanted.abs().amax(1) / 448;
    EXPECT_LE(distance(got.scales, peaks), 2e-3) << rows;
  }
}

TEST(Float8, NormGivesItsRowsInFloat8) {
  for (const auto& [tokens, text, width] :
       {std::tuple(37, 5, 3072), {129, 128, 96}, {1, 0, 1280}, {1031, 1031, 64}}) {
    const Tensor x = random({tokens, width}), branch = random(x.sizes());
    const Tensor chunks = random({6 * width}, 0.3), normed = poisoned(x.sizes());
    const auto run = [&](cuda::bf16* to, const Fp8Rows* fp8, const Tensor& in_place) {
      cuda::NormRows rows{
          cuda::address(in_place), cuda::address(branch), to, 1, tokens, text, width};
      const cuda::bf16* chunk = cuda::address(chunks);
      rows.txt = {chunk, chunk + width, chunk + 2 * width, 0, 0};
      rows.img = {chunk + 3 * width, chunk + 4 * width, chunk + 5 * width, 0, 0};
      if (fp8 != nullptr) {
        rows.bytes = fp8->bytes.data_ptr<std::uint8_t>();
        rows.scales = fp8->scales.data_ptr<float>();
      }
      cuda::norm_rows(rows, cuda::current_stream(device()));
    };
    const Tensor wide_x = x.clone(), fp8_x = x.clone();
    const Fp8Rows got = poisoned_rows(tokens, width);
    run(cuda::address(normed), nullptr, wide_x);
    run(nullptr, &got, fp8_x);
    EXPECT_TRUE(at::equal(wide_x, fp8_x));
    EXPECT_LE(distance(widen_rows(got, at::kFloat), normed), kFp8Tolerance);
    EXPECT_LE(distance(got.scales, wide(normed).abs().amax(1) / 448), kRoundingTolerance);
  }
}

class Products : public testing::TestWithParam<cuda::Fp8By> {
 protected:
  void SetUp() override { cuda::multiply_fp8_by(GetParam()); }
  void TearDown() override { cuda::multiply_fp8_by(cuda::Fp8By::best); }
};

struct Shape {
  int64_t rows, out, in;
};

// The last of a buffer's rows: their scales begin anywhere.
void expect_product(const Shape& shape) {
  const auto [rows, out, in] = shape;
  constexpr int64_t kBefore = 3;
  const Fp8Rows whole_x = quantise_rows(random({kBefore + rows, in}));
  const Fp8Rows x{whole_x.bytes.slice(0, kBefore), whole_x.scales.slice(0, kBefore)};
  const Fp8Rows weight = quantise_rows(random({out, in}, 0.05));
  Linear linear{weight.bytes, random({out})};
  linear.scales = weight.scales;
  const Tensor whole = poisoned({rows, out + 32}), to = whole.slice(1, 16, 16 + out);
  cuda::multiply_into(to, x, linear);
  const Tensor wanted = at::linear(widen_rows(x, at::kDouble), widen_rows(weight, at::kDouble),
                                   linear.bias.to(at::kDouble));
  const double far = distance(to, wanted);
  std::printf("float8 product %d x %d x %d: %.2e; cuBLASLt computes %d rows\n",
              static_cast<int>(rows), static_cast<int>(in), static_cast<int>(out), far,
              static_cast<int>(cuda::computed_rows(to, x, linear)));
  EXPECT_LE(far, kProductTolerance) << rows << " x " << in << " x " << out;
  EXPECT_TRUE(at::isnan(whole.slice(1, 0, 16)).all().item<bool>());
  EXPECT_TRUE(at::isnan(whole.slice(1, 16 + out)).all().item<bool>());
}

// FLUX.1's, of which cuBLASLt has no product for few rows and many numbers in.
TEST_P(Products, OfTrueWidthsAreWhatTheirOperandsMake) {
  const bool any_count = GetParam() == cuda::Fp8By::best;  // torch's own calls refuse some
  const std::vector<int64_t> counts =
      any_count ? std::vector<int64_t>{1, 16, 37, 77, 256, 257, 512, 513, 4097}
                : std::vector<int64_t>{512, 4096};
  for (const auto& [out, in] :
       {std::pair(9216, 3072), {3072, 3072}, {12288, 3072}, {3072, 12288}, {3072, 15360}})
    for (const int64_t rows : counts) expect_product({rows, out, in});
}

TEST_P(Products, OfSmallWidthsAreWhatTheirOperandsMake) {
  for (const Shape& shape : {Shape{513, 384, 96}, {1, 96, 384}, {4099, 640, 64}, {2, 32, 32}})
    expect_product(shape);
}

INSTANTIATE_TEST_SUITE_P(Float8, Products, testing::Values(cuda::Fp8By::torch, cuda::Fp8By::best),
                         [](const auto& by) {
                           return by.param == cuda::Fp8By::torch ? "ByTorch" : "ByTheBest";
                         });

// The reference's tiny model, a whole run with a LoRA: its width is a multiple of 16.
TEST(Float8, AWholeRunStaysNear) {
  Tensor latents[2];
  for (const bool fp8 : {false, true}) {
    Placement placement;
    placement.fp8 = fp8;
    Kontext kontext =
        get(Kontext::load({golden::folder(), std::nullopt}, at::kBFloat16, device(), placement));
    get(kontext.set_loras({{golden::folder() / "comfyui/loras/peft.safetensors", 1.0}}));
    RenderRequest request;
    request.width = 64;
    request.height = 96;
    request.steps = 3;
    request.seed = 42;
    request.prompt = get(kontext.embed_text("back view", 64));
    Image picture{64, 96, 3, std::vector<std::uint8_t>(64 * 96 * 3, 90)};
    request.reference = get(kontext.encode_reference(picture, {ReferenceSize::Kind::keep, {}}));
    latents[fp8 ? 1 : 0] = get(kontext.render(request)).latents;
  }
  const double far = distance(latents[1], latents[0]);
  std::printf("tiny model, 3 steps: float8 against bfloat16 %.2e\n", far);
  EXPECT_GT(far, 1e-4);  // it was float8
  EXPECT_LE(far, 0.15);
}

}  // namespace
}  // namespace pirouette::flux::gpu
