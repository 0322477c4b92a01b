// A double and a single block at FLUX.1's true width, random weights, bfloat16 and float8 on the
// device against float64 on the CPU; for two numbers of tokens, neither of which fills the kernels'
// blocks.

#include "tests/gpu/gpu.h"
#include "worker/flux/cuda/fast_transformer.h"
#include "worker/flux/fp8.h"

namespace pirouette::flux::gpu {
namespace {

constexpr int64_t kWidth = 3072, kHidden = 4 * kWidth, kHeadWidth = 128;
// Random weights of this size keep activations near 1, as a trained model's do.
constexpr double kScale = 0.018;

class RandomWeights {
 public:
  void linear(const std::string& name, int64_t out, int64_t in) {
    tensors_[name + ".weight"] = random({out, in}, kScale);
    tensors_[name + ".bias"] = random({out}, 0.1);
  }
  void norm(const std::string& name) { tensors_[name] = random({kHeadWidth}, 0.2) + 1; }
  const Tensors& tensors() const { return tensors_; }

 private:
  Tensors tensors_;
};

Tensors one_block_of_each() {
  RandomWeights w;
  w.linear("img_in", kWidth, 64);
  w.linear("txt_in", kWidth, 4096);
  for (const std::string name : {"time_in", "guidance_in", "vector_in"}) {
    w.linear(name + ".in_layer", kWidth, name == "vector_in" ? 768 : 256);
    w.linear(name + ".out_layer", kWidth, kWidth);
  }
  for (const std::string stream : {"double_blocks.0.img", "double_blocks.0.txt"}) {
    w.linear(stream + "_mod.lin", 6 * kWidth, kWidth);
    w.linear(stream + "_attn.qkv", 3 * kWidth, kWidth);
    w.norm(stream + "_attn.norm.query_norm.scale");
    w.norm(stream + "_attn.norm.key_norm.scale");
    w.linear(stream + "_attn.proj", kWidth, kWidth);
    w.linear(stream + "_mlp.0", kHidden, kWidth);
    w.linear(stream + "_mlp.2", kWidth, kHidden);
  }
  w.linear("single_blocks.0.modulation.lin", 3 * kWidth, kWidth);
  w.linear("single_blocks.0.linear1", 3 * kWidth + kHidden, kWidth);
  w.linear("single_blocks.0.linear2", kWidth, kWidth + kHidden);
  w.norm("single_blocks.0.norm.query_norm.scale");
  w.norm("single_blocks.0.norm.key_norm.scale");
  w.linear("final_layer.adaLN_modulation.1", 2 * kWidth, kWidth);
  w.linear("final_layer.linear", 64, kWidth);
  return w.tensors();
}

TransformerInput cast(TransformerInput input, at::ScalarType dtype, at::Device where) {
  for (Tensor* tensor : {&input.img, &input.txt, &input.pooled, &input.timestep, &input.guidance})
    *tensor = tensor->to(where, dtype);
  input.rope.cos = input.rope.cos.to(where);
  input.rope.sin = input.rope.sin.to(where);
  return input;
}

TransformerInput random_input(int64_t text, int64_t rows, int64_t columns) {
  TransformerInput input;
  input.img = random({1, rows * columns, 64});
  input.txt = random({1, text, 4096});
  input.pooled = random({1, 768});
  input.timestep = at::full({1}, 0.5, options());  // a bfloat16 number, and its thousandths too
  input.guidance = at::full({1}, 2.5, options());
  const Tensor ids = at::rand({text + rows * columns, 3}).mul(64).floor();
  input.rope = make_rope(ids.to(device()), kFluxRopeAxes);
  return input;
}

TransformerInput in_float64(const TransformerInput& input) {
  TransformerInput as_told = cast(input, at::kDouble, at::kCPU);
  as_told.timestep = told(input.timestep, at::kDouble).cpu();
  as_told.guidance = told(input.guidance, at::kDouble).cpu();
  return as_told;
}

TEST(FullWidth, DoubleAndSingleBlockEqualFloat64) {
  const at::NoGradGuard no_grad;
  const Tensors weights = one_block_of_each();
  const auto load = [&](at::ScalarType dtype, at::Device where) {
    return get(Transformer::load(Weights(weights, "random").to(dtype, where), kFluxRopeAxes));
  };
  const Transformer fast = load(at::kBFloat16, device()), exact = load(at::kDouble, at::kCPU);
  for (const auto& [text, rows, columns] : {std::tuple(77, 11, 13), {33, 24, 17}}) {
    const TransformerInput input = random_input(text, rows, columns);
    const Tensor wanted = exact(in_float64(input));
    const double far = distance(fast(input).cpu(), wanted);
    // As a picture's steps are rendered: some tokens wanted, and all steps' conditions at once.
    TransformerInput steps = input;
    steps.timestep = at::full({3}, 0.5, options());
    const Conditions conditions = fast.conditions(steps);
    TransformerInput second = input;
    second.conditions = &conditions;
    second.step = 1;
    second.wanted = rows * columns - 29;
    EXPECT_LE(distance(fast(second).cpu(), wanted.slice(1, 0, second.wanted)), 2e-2);
    const cuda::PlainOnly plain;
    std::printf("full width, %d + %d tokens: fast %.2e, plain %.2e\n", text, rows * columns, far,
                distance(fast(input).cpu(), wanted));
    EXPECT_LE(far, 2e-2);
  }
}

// The same numbers as the float8 weights are in float64: what is left is what rounding what is fed
// to each product costs, 2.6 % of each at most.
TEST(FullWidth, Float8BlocksStayNearFloat64OfTheirWeights) {
  const at::NoGradGuard no_grad;
  Tensors fp8, dequantised;
  for (const auto& [name, tensor] : one_block_of_each()) {
    if (!becomes_fp8(name, tensor)) {
      fp8[name] = tensor;
      dequantised[name] = tensor.to(at::kCPU, at::kDouble);
      continue;
    }
    const Fp8Rows rows = quantise_rows(tensor);
    fp8[name] = rows.bytes;
    fp8[scale_name(name)] = rows.scales;
    dequantised[name] = widen_rows(rows, at::kDouble).cpu();
  }
  const Transformer fast = get(Transformer::load(Weights(fp8, "random"), kFluxRopeAxes));
  const Transformer exact = get(Transformer::load(Weights(dequantised, "random"), kFluxRopeAxes));
  for (const auto& [text, rows, columns] : {std::tuple(77, 11, 13), {33, 24, 17}}) {
    const TransformerInput input = random_input(text, rows, columns);
    const Tensor wanted = exact(in_float64(input));
    const double far = distance(fast(input).cpu(), wanted);
    double plain_far = 0;
    {
      const cuda::PlainOnly plain;
      plain_far = distance(fast(input).cpu(), wanted);
    }
    std::printf("full width in float8, %d + %d tokens: fast %.2e, its weights alone %.2e\n", text,
                rows * columns, far, plain_far);
    EXPECT_GT(far, 5e-3);  // what is fed was rounded too
    EXPECT_LE(far, 5e-2);
    EXPECT_LE(plain_far, 2e-2);
  }
}

}  // namespace
}  // namespace pirouette::flux::gpu
