#include "tests/bench/gpu/step_bench.h"

#include <cmath>
#include <tuple>

#include "tests/bench/gpu/clock.h"
#include "worker/flux/cuda/fast_transformer.h"
#include "worker/flux/sampler.h"

namespace pirouette::flux::bench {
namespace {

constexpr int64_t kWidth = 3072, kHidden = 4 * kWidth, kHeads = 24, kHeadWidth = 128;
constexpr int64_t kText = 512, kSide = 64, kImage = 2 * kSide * kSide, kTokens = kText + kImage;
constexpr int kDoubles = 19, kSingles = 38;

Tensor random(at::IntArrayRef shape, at::Device device, double scale = 1) {
  return (at::randn(shape, at::TensorOptions().dtype(at::kFloat).device(device)) * scale)
      .to(at::kBFloat16);
}

double product_tflop(int64_t rows, int64_t columns, int64_t inner) {
  return 2e-12 * static_cast<double>(rows) * static_cast<double>(columns) *
         static_cast<double>(inner);
}

Tensor attention(const Tensor& qkv) {  // [1, L, 3*C]
  const auto parts = qkv.unflatten(-1, {3, kHeads, kHeadWidth}).permute({2, 0, 3, 1, 4}).unbind(0);
  return std::get<0>(
      at::_scaled_dot_product_cudnn_attention(parts[0], parts[1], parts[2], std::nullopt, false));
}

std::string share(double ms, double of) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1f %% of the step", 100 * ms / of);
  return text;
}

}  // namespace

// Of one pass: every token meets 12 C^2 weights in each block, and every other token.
double products_tflop() {
  return (kDoubles + kSingles) * product_tflop(kTokens, 12 * kWidth, kWidth);
}
double attention_tflop() {
  return (kDoubles + kSingles) * 2 * product_tflop(kTokens, kTokens, kWidth);
}

Ceilings measure_ceilings(at::Device device) {
  Ceilings ceilings;
  const Tensor a = random({8192, 8192}, device), b = random({8192, 8192}, device, 0.01);
  ceilings.gemm_tflops = product_tflop(8192, 8192, 8192) /
                         device_ms_in_a_row(device, 10, [&] { (void)at::mm(a, b); }) * 1e3;
  const Tensor qkv = random({1, kTokens, 3 * kWidth}, device);
  ceilings.attention_tflops = 2 * product_tflop(kTokens, kTokens, kWidth) /
                              device_ms_in_a_row(device, 10, [&] { (void)attention(qkv); }) * 1e3;
  const Tensor from = at::empty({int64_t{1} << 31}, a.options().dtype(at::kByte)),
               to = at::empty_like(from);
  ceilings.copy_tbps =
      2e-9 * static_cast<double>(from.nbytes()) / device_ms(device, 10, [&] { to.copy_(from); });
  line("ceiling: matrix product of 8192 cubed, bf16", ceilings.gemm_tflops, "TFLOP/s");
  line("ceiling: cuDNN attention, 24 heads, 8704 tokens", ceilings.attention_tflops, "TFLOP/s");
  line("ceiling: copy, bytes read and written", ceilings.copy_tbps, "TB/s");
  return ceilings;
}

double measure_step(const Transformer& model, const Ceilings& ceilings, at::Device device) {
  TransformerInput input;
  input.img = random({1, kImage, 64}, device);
  input.txt = random({1, kText, 4096}, device);
  input.pooled = random({1, 768}, device);
  input.timestep = at::full({1}, 0.75, input.img.options());
  input.guidance = at::full({1}, 2.5, input.img.options());
  const Tensor ids =
      at::cat({at::zeros({kText, 3}), make_ids(0, kSide, kSide), make_ids(1, kSide, kSide)});
  input.rope = make_rope(ids.to(device), kFluxRopeAxes);
  Tensor out;
  double plain = 0;
  {
    const cuda::PlainOnly plain_only;
    plain = device_ms(device, 3, [&] { out = model(input); });
  }
  const Tensor plain_out = out;
  const double ms = device_ms(device, 7, [&] { out = model(input); });
  const double away =
      ((out.to(at::kFloat) - plain_out.to(at::kFloat)).norm() / plain_out.to(at::kFloat).norm())
          .item<double>();
  const double floor = products_tflop() / ceilings.gemm_tflops * 1e3 +
                       attention_tflop() / ceilings.attention_tflops * 1e3;
  line("step: plain ATen operations, the same program", plain, "ms");
  line("step: fast", ms, "ms");
  line("step: fast against plain, relative difference", 100 * away, "%");
  line("step: floor (products and attention at their ceilings)", floor, "ms",
       std::to_string(products_tflop()) + " + " + std::to_string(attention_tflop()) + " TFLOP");
  line("step: rate", (products_tflop() + attention_tflop()) / ms * 1e3, "TFLOP/s");
  line("step: share of the floor", 100 * floor / ms, "%");
  wait();
  const auto start = std::chrono::steady_clock::now();
  out = model(input);
  const std::chrono::duration<double, std::milli> handed_out =
      std::chrono::steady_clock::now() - start;
  line("step: host's time to hand it out", handed_out.count(), "ms", "it waits for nothing");
  const double again = device_ms_in_a_row(device, 8, [&] { out = model(input); });
  line("step: eight in a row, each", again, "ms");
  return ms;
}

void measure_parts(double step_ms, at::Device device) {
  const Tensor x = random({kTokens, kWidth}, device), wide = random({kTokens, 7 * kWidth}, device),
               y = at::empty_like(x);
  const auto linear = [&](int64_t out, int64_t in) {
    return Linear{random({out, in}, device, 0.02), random({out}, device)};
  };
  double sum = 0;
  const auto part = [&](const std::string& what, int times, double ms, double tflop) {
    sum += times * ms;
    line("part: " + what + " x " + std::to_string(times), times * ms, "ms",
         share(times * ms, step_ms) +
             (tflop > 0 ? ", " + std::to_string(static_cast<int>(tflop / ms * 1e3)) + " TFLOP/s"
                        : ""));
  };
  const auto product = [&](const std::string& what, int times, int64_t rows, const Tensor& from,
                           const Tensor& to, bool gelu) {
    const Linear weights = linear(to.size(1), from.size(1));
    const Tensor in = from.slice(0, 0, rows), out = to.slice(0, 0, rows);
    const double ms = device_ms_in_a_row(
        device, 10, [&] { cuda::multiply_into(out, in, weights, {.gelu = gelu}); });
    part(what, times, ms, product_tflop(rows, to.size(1), from.size(1)));
    if (from.is_contiguous() && !gelu)
      line("      the same by at::linear",
           times * device_ms_in_a_row(device, 10,
                                      [&] { (void)at::linear(in, weights.weight, weights.bias); }),
           "ms");
  };
  const Tensor qkv = random({kTokens, 3 * kWidth}, device),
               hidden = random({kTokens, kHidden}, device);
  for (const auto& [name, rows] : {std::pair("image", kImage), {"text", kText}}) {
    const std::string side = std::string(" of ") + name + " tokens, double";
    product("qkv" + side, kDoubles, rows, x, qkv, false);
    product("proj" + side, kDoubles, rows, x, y, false);
    product("mlp in + gelu" + side, kDoubles, rows, x, hidden, true);
    product("mlp out" + side, kDoubles, rows, hidden, y, false);
  }
  product("qkv, single", kSingles, kTokens, x, wide.slice(1, 0, 3 * kWidth), false);
  product("mlp in + gelu, single", kSingles, kTokens, x, wide.slice(1, 3 * kWidth), true);
  product("linear2, single", kSingles, kTokens, wide.slice(1, 2 * kWidth), y, false);
  const Tensor strided = wide.unsqueeze(0).slice(2, 0, 3 * kWidth);
  part("attention, in place of double qkv", kDoubles,
       device_ms_in_a_row(device, 5, [&] { (void)attention(qkv.unsqueeze(0)); }),
       2 * product_tflop(kTokens, kTokens, kWidth));
  part("attention, in place of single's wide rows", kSingles,
       device_ms_in_a_row(device, 5, [&] { (void)attention(strided); }),
       2 * product_tflop(kTokens, kTokens, kWidth));

  const cudaStream_t stream = cuda::current_stream(device);
  const Tensor chunks = random({1, 6 * kWidth}, device, 0.1);
  const cuda::bf16* first = cuda::address(chunks);
  cuda::NormRows rows{
      cuda::address(x), cuda::address(y), cuda::address(qkv), 1, kTokens, kText, kWidth};
  rows.txt = rows.img = {first, first, first, 6 * kWidth, 6 * kWidth};
  const double norm = device_ms_in_a_row(device, 20, [&] { cuda::norm_rows(rows, stream); });
  part("gated residual, norm, modulation", 2 * kDoubles + kSingles + 1, norm, 0);
  line("      its bandwidth", 4e-9 * static_cast<double>(x.nbytes()) / norm, "TB/s");
  const Tensor cos = at::rand({kTokens, kHeadWidth}, x.options().dtype(at::kFloat));
  const Tensor scale = random({kHeadWidth}, device);
  cuda::TurnHeads turn;
  turn.qkv = cuda::address(wide);
  turn.row_stride = 7 * kWidth;
  turn.cos = turn.sin = cos.data_ptr<float>();
  turn.txt_q = turn.txt_k = turn.img_q = turn.img_k = cuda::address(scale);
  turn.batch = 1;
  turn.tokens = kTokens;
  turn.text_tokens = kText;
  turn.heads = kHeads;
  turn.head_width = kHeadWidth;
  const double turned = device_ms_in_a_row(device, 20, [&] { cuda::turn_heads(turn, stream); });
  part("QK norm and RoPE, in place", kDoubles + kSingles, turned, 0);
  line("      its bandwidth", 4e-9 * static_cast<double>(x.nbytes()) / turned, "TB/s");
  const double copied = device_ms_in_a_row(device, 20, [&] {
    cuda::copy_rows(cuda::address(wide), 7 * kWidth, cuda::address(x), kWidth, kTokens, kWidth,
                    stream);
  });
  part("attention's output put beside the MLP's", kSingles, copied, 0);
  line("      its bandwidth", 2e-9 * static_cast<double>(x.nbytes()) / copied, "TB/s");
  // As many weights as the card's cache does not hold.
  const Tensor mods = random({8, 6 * kWidth, kWidth}, device, 0.02),
               bias = random({6 * kWidth}, device), out = at::empty({1, 6 * kWidth}, x.options());
  int turn_of = 0;
  const double modulated = device_ms_in_a_row(device, 16, [&] {
    cuda::few_rows_product(cuda::address(out), cuda::address(x), cuda::address(mods[turn_of++ % 8]),
                           cuda::address(bias), 1, 6 * kWidth, kWidth, stream);
  });
  part("modulations (of 6 C, or two of 3 C)", 2 * kDoubles + kSingles / 2, modulated, 0);
  line("      its bandwidth", 1e-9 * static_cast<double>(mods[0].nbytes()) / modulated, "TB/s");
  line("part: what the parts do not explain", step_ms - sum, "ms", share(step_ms - sum, step_ms));
}

void measure_autoencoder(const Autoencoder& model, at::Device device) {
  const Tensor picture = random({1, 3, 1024, 1024}, device),
               latents = random({1, 16, 128, 128}, device);
  Tensor out;
  line("autoencoder: encode 1024 x 1024",
       device_ms(device, 5, [&] { out = model.encode(picture); }), "ms");
  line("autoencoder: decode 1024 x 1024",
       device_ms(device, 5, [&] { out = model.decode(latents); }), "ms");
}

}  // namespace pirouette::flux::bench
