#include "tests/bench/gpu/step_bench.h"

#include <cmath>
#include <ranges>
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
  const Tensor pinned =
      at::empty({int64_t{1} << 30}, at::TensorOptions(at::kByte).pinned_memory(true));
  const Tensor there = from.slice(0, 0, pinned.numel());
  line("ceiling: the bus, from pinned host memory",
       1e-6 * static_cast<double>(pinned.nbytes()) /
           device_ms(device, 3, [&] { there.copy_(pinned, true); }),
       "GB/s");
  line("ceiling: matrix product of 8192 cubed, bf16", ceilings.gemm_tflops, "TFLOP/s");
  line("ceiling: cuDNN attention, 24 heads, 8704 tokens", ceilings.attention_tflops, "TFLOP/s");
  line("ceiling: copy, bytes read and written", ceilings.copy_tbps, "TB/s");
  return ceilings;
}

TransformerInput full_size_input(at::Device device) {
  TransformerInput input;
  input.img = random({1, kImage, 64}, device);
  input.txt = random({1, kText, 4096}, device);
  input.pooled = random({1, 768}, device);
  input.timestep = at::full({1}, 0.75, input.img.options());
  input.guidance = at::full({1}, 2.5, input.img.options());
  const Tensor ids =
      at::cat({at::zeros({kText, 3}), make_ids(0, kSide, kSide), make_ids(1, kSide, kSide)});
  input.rope = make_rope(ids.to(device), kFluxRopeAxes);
  return input;
}

// As render() has it: a picture's 24 steps are told of time at once, and the last block computes
// the picture's tokens only.
double measure_step_of_picture(const Transformer& model, TransformerInput input,
                               at::Device device) {
  TransformerInput steps = input;
  steps.timestep = at::linspace(1, 0.1, 24, input.img.options());
  Conditions conditions;
  const double told = device_ms(device, 3, [&] { conditions = model.conditions(steps); });
  input.conditions = &conditions;
  input.step = 5;
  input.wanted = kSide * kSide;
  Tensor out;
  const double passed = device_ms(device, 7, [&] { out = model(input); });
  wait();
  const auto start = std::chrono::steady_clock::now();
  out = model(input);
  const std::chrono::duration<double, std::milli> handed_out =
      std::chrono::steady_clock::now() - start;
  const double in_a_row = device_ms_in_a_row(device, 8, [&] { out = model(input); });
  line("step: as one of a picture's 24", passed + told / 24, "ms");
  line("step:   of it the conditions, made for all at once", told / 24, "ms");
  line("step:   eight in a row, each", in_a_row + told / 24, "ms");
  line("step:   host's time to hand it out", handed_out.count(), "ms", "it waits for nothing");
  return passed + told / 24;
}

double measure_step(const Transformer& model, const Ceilings& ceilings, at::Device device) {
  const TransformerInput input = full_size_input(device);
  Tensor plain_out, out;
  double plain = 0;
  {
    const cuda::PlainOnly plain_only;
    plain = device_ms(device, 3, [&] { plain_out = model(input); });
  }
  const double ms = device_ms(device, 7, [&] { out = model(input); });
  const Tensor wanted = plain_out.to(at::kFloat);
  const double away = ((out.to(at::kFloat) - wanted).norm() / wanted.norm()).item<double>();
  const double floor = products_tflop() / ceilings.gemm_tflops * 1e3 +
                       attention_tflop() / ceilings.attention_tflops * 1e3;
  line("step: plain ATen operations, the same program", plain, "ms");
  line("step: all by itself", ms, "ms");
  line("step:   rate", (products_tflop() + attention_tflop()) / ms * 1e3, "TFLOP/s",
       std::to_string(products_tflop()) + " + " + std::to_string(attention_tflop()) + " TFLOP");
  line("step:   floor: products and attention at their ceilings", floor, "ms");
  line("step:   share of the floor", 100 * floor / ms, "%");
  line("step:   against plain, relative difference", 100 * away, "%");
  return measure_step_of_picture(model, input, device);
}

namespace {

// The step's parts, each alone and as often as a step runs it.
class Parts {
 public:
  Parts(double step_ms, at::Device device) : step_ms_(step_ms), device_(device) {}

  void add(const std::string& what, int times, double ms, double tflop = 0) {
    sum_ms_ += times * ms;
    std::string note = share(times * ms);
    if (tflop > 0) note += ", " + std::to_string(static_cast<int>(tflop / ms * 1e3)) + " TFLOP/s";
    line("part: " + what + " x " + std::to_string(times), times * ms, "ms", note);
  }
  void add_pass(const std::string& what, int times, double ms, std::size_t bytes) {
    add(what, times, ms);
    line("      its bandwidth", 1e-9 * static_cast<double>(bytes) / ms, "TB/s");
  }
  void add_product(const std::string& what, int times, const Tensor& x, const Tensor& out,
                   bool gelu);
  void finish() {
    line("part: what the parts do not explain", step_ms_ - sum_ms_, "ms",
         share(step_ms_ - sum_ms_));
  }

 private:
  std::string share(double ms) const {
    char text[64];
    std::snprintf(text, sizeof text, "%.1f %% of the step", 100 * ms / step_ms_);
    return text;
  }

  double step_ms_, sum_ms_ = 0;
  at::Device device_;
};

// Beside what is used, what cuBLASLt proposes and ATen takes.
void Parts::add_product(const std::string& what, int times, const Tensor& x, const Tensor& out,
                        bool gelu) {
  constexpr int kProposalsTimed = 12, kProposalsShown = 3;
  const Linear linear{random({out.size(1), x.size(1)}, device_, 0.02),
                      random({out.size(1)}, device_)};
  const double ms =
      device_ms_in_a_row(device_, 10, [&] { cuda::multiply_into(out, x, linear, {.gelu = gelu}); });
  add(what, times, ms, product_tflop(x.size(0), out.size(1), x.size(1)));
  const Tensor workspace = cuda::matmul_workspace(device_);
  auto proposals =
      cuda::time_proposals(cuda::describe_product(out, x, linear, {.gelu = gelu}), kProposalsTimed,
                           workspace.data_ptr(), cuda::current_stream(device_));
  line("      proposals: the first", times * proposals.front().ms, "ms", proposals.front().what);
  std::ranges::sort(proposals, {}, &cuda::Proposal::ms);
  for (const auto& proposal : proposals | std::views::take(kProposalsShown))
    line("      proposals: of the best", times * proposal.ms, "ms", proposal.what);
  if (x.is_contiguous() && !gelu)
    line("      the same by at::linear",
         times * device_ms_in_a_row(device_, 10,
                                    [&] { (void)at::linear(x, linear.weight, linear.bias); }),
         "ms");
}

// x [L, C]; wide [L, 7*C]: rows of q, k, v and the MLP's hidden numbers.
void measure_products(Parts& parts, const Tensor& x, const Tensor& wide) {
  const Tensor y = at::empty_like(x), qkv = wide.slice(1, 0, 3 * kWidth),
               hidden = wide.slice(1, 3 * kWidth);
  for (const auto& [name, rows] : {std::pair("image", kImage), {"text", kText}}) {
    const std::string side = std::string(" of ") + name + " tokens, double";
    const auto some = [count = rows](const Tensor& all) { return all.slice(0, 0, count); };
    parts.add_product("qkv" + side, kDoubles, some(x), some(qkv), false);
    parts.add_product("proj" + side, kDoubles, some(x), some(y), false);
    parts.add_product("mlp in + gelu" + side, kDoubles, some(x), some(hidden), true);
    parts.add_product("mlp out" + side, kDoubles, some(hidden), some(y), false);
  }
  parts.add_product("qkv, single", kSingles, x, qkv, false);
  parts.add_product("mlp in + gelu, single", kSingles, x, hidden, true);
  parts.add_product("linear2, single", kSingles, wide.slice(1, 2 * kWidth), y, false);
}

// In the layouts that it could be given, in turn and on the same numbers.
void measure_attention(Parts& parts, const Tensor& wide, at::Device device) {
  const Tensor rows = wide.unsqueeze(0).slice(2, 0, 3 * kWidth);
  rows.copy_(random(rows.sizes(), device));
  const auto split = rows.unflatten(-1, {3, kHeads, kHeadWidth}).permute({2, 0, 3, 1, 4}).unbind(0);
  const Tensor q = split[0].contiguous(), k = split[1].contiguous(), v = split[2].contiguous();
  double in_place = 0;
  for (int round = 0; round < 2; ++round) {
    in_place = device_ms_in_a_row(device, 8, [&] { (void)attention(rows); });
    line("      attention once, in rows of 7 C", in_place, "ms");
    line("      attention once, dense by heads",
         device_ms_in_a_row(
             device, 8,
             [&] { (void)at::_scaled_dot_product_cudnn_attention(q, k, v, std::nullopt, false); }),
         "ms");
  }
  parts.add("attention", kDoubles + kSingles, in_place,
            2 * product_tflop(kTokens, kTokens, kWidth));
}

void measure_passes(Parts& parts, const Tensor& x, const Tensor& wide, at::Device device) {
  constexpr int kInARow = 20;
  const cudaStream_t stream = cuda::current_stream(device);
  const Tensor branch = at::empty_like(x), normed = at::empty_like(x);
  const Tensor chunks = random({1, 6 * kWidth}, device, 0.1);
  const cuda::bf16* first = cuda::address(chunks);
  cuda::NormRows rows;
  rows.x = cuda::address(x);
  rows.branch = cuda::address(branch);
  rows.normed = cuda::address(normed);
  rows.batch = 1;
  rows.tokens = kTokens;
  rows.text_tokens = kText;
  rows.width = kWidth;
  rows.txt = rows.img = {first, first, first, 6 * kWidth, 6 * kWidth};
  parts.add_pass("gated residual, norm, modulation", 2 * kDoubles + kSingles + 1,
                 device_ms_in_a_row(device, kInARow, [&] { cuda::norm_rows(rows, stream); }),
                 4 * x.nbytes());
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
  parts.add_pass("QK norm and RoPE, in place", kDoubles + kSingles,
                 device_ms_in_a_row(device, kInARow, [&] { cuda::turn_heads(turn, stream); }),
                 4 * x.nbytes());
  const auto copy = [&] {
    cuda::copy_rows(cuda::address(wide), 7 * kWidth, cuda::address(x), kWidth, kTokens, kWidth,
                    stream);
  };
  parts.add_pass("attention's output put beside the MLP's", kSingles,
                 device_ms_in_a_row(device, kInARow, copy), 2 * x.nbytes());
}

}  // namespace

void measure_parts(double step_ms, at::Device device) {
  const Tensor x = random({kTokens, kWidth}, device), wide = random({kTokens, 7 * kWidth}, device);
  Parts parts(step_ms, device);
  measure_products(parts, x, wide);
  measure_attention(parts, wide, device);
  measure_passes(parts, x, wide, device);
  parts.finish();
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
