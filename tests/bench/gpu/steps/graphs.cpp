#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <cmath>
#include <cstdlib>
#include <exception>

#include "tests/bench/gpu/clock.h"
#include "tests/bench/gpu/steps/measures.h"
#include "worker/flux/device.h"

namespace pirouette::flux::bench {
namespace {

constexpr int64_t kText = 512;
constexpr int64_t kHeadWidth = 128;
constexpr int kSteps = 24, kRuns = 9;

Tensor random(at::IntArrayRef shape, at::Device device, double scale = 1) {
  return (at::randn(shape, at::TensorOptions().dtype(at::kFloat).device(device)) * scale)
      .to(at::kBFloat16);
}

// A picture of so many pixels and a reference of the same.
TransformerInput input_of(int width, int height, at::Device device) {
  const int64_t rows = height / kTokenSide, columns = width / kTokenSide;
  TransformerInput input;
  input.img = random({1, 2 * rows * columns, 64}, device);
  input.txt = random({1, kText, 4096}, device);
  input.pooled = random({1, 768}, device);
  input.timestep = at::full({1}, 0.75, input.img.options());
  input.guidance = at::full({1}, 2.5, input.img.options());
  const Tensor ids =
      at::cat({at::zeros({kText, 3}), make_ids(0, rows, columns), make_ids(1, rows, columns)});
  input.rope = make_rope(ids.to(device), kFluxRopeAxes);
  input.wanted = rows * columns;
  return input;
}

void measure_one(const Transformer& model, const std::string& what, TransformerInput input,
                 at::Device device) {
  TransformerInput steps = input;
  steps.timestep = at::linspace(1, 0.1, kSteps, input.img.options());
  const Conditions conditions = model.conditions(steps);
  input.conditions = &conditions;
  input.step = 5;
  // Both on the stream that the graph is captured on: the default one cannot be.
  wait();
  const c10::cuda::CUDAStream stream =
      c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index());
  const c10::cuda::CUDAStreamGuard guard(stream);
  Tensor out, captured;
  const double launched = device_ms(device, kRuns, [&] { out = model(input); });
  const double before = static_cast<double>(ask_memory(device).free_bytes);
  at::cuda::CUDAGraph graph;
  graph.capture_begin();
  captured = model(input);
  graph.capture_end();
  const double replayed = device_ms(device, kRuns, [&] { graph.replay(); });
  wait();
  line("graph: " + what + ", launched", launched, "ms");
  line("graph: " + what + ", replayed", replayed, "ms",
       std::to_string(100 * (1 - replayed / launched)) + " % less");
  line("graph:   memory that it holds",
       (before - static_cast<double>(ask_memory(device).free_bytes)) / (1 << 20), "MiB",
       at::equal(out, captured) ? "the same bits" : "OTHER BITS");
}

}  // namespace

Transformer make_mini(at::Device device) {
  constexpr int64_t kWidth = 512, kHidden = 4 * kWidth;
  Tensors tensors;
  const auto linear = [&](const std::string& name, int64_t out, int64_t in) {
    tensors[name + ".weight"] = random({out, in}, device, 0.9 / std::sqrt(static_cast<double>(in)));
    tensors[name + ".bias"] = random({out}, device, 0.02);
  };
  const auto norm = [&](const std::string& name) {
    tensors[name] = random({kHeadWidth}, device, 0.1) + 1;
  };
  linear("img_in", kWidth, 64);
  linear("txt_in", kWidth, 4096);
  for (const std::string name : {"time_in", "guidance_in", "vector_in"}) {
    linear(name + ".in_layer", kWidth, name == "vector_in" ? 768 : 256);
    linear(name + ".out_layer", kWidth, kWidth);
  }
  for (int block = 0; block < 4; ++block) {
    for (const std::string side : {".img", ".txt"}) {
      const std::string at = "double_blocks." + std::to_string(block) + side;
      linear(at + "_mod.lin", 6 * kWidth, kWidth);
      linear(at + "_attn.qkv", 3 * kWidth, kWidth);
      norm(at + "_attn.norm.query_norm.scale");
      norm(at + "_attn.norm.key_norm.scale");
      linear(at + "_attn.proj", kWidth, kWidth);
      linear(at + "_mlp.0", kHidden, kWidth);
      linear(at + "_mlp.2", kWidth, kHidden);
    }
  }
  for (int block = 0; block < 8; ++block) {
    const std::string at = "single_blocks." + std::to_string(block) + '.';
    linear(at + "modulation.lin", 3 * kWidth, kWidth);
    linear(at + "linear1", 3 * kWidth + kHidden, kWidth);
    linear(at + "linear2", kWidth, kWidth + kHidden);
    norm(at + "norm.query_norm.scale");
    norm(at + "norm.key_norm.scale");
  }
  linear("final_layer.adaLN_modulation.1", 2 * kWidth, kWidth);
  linear("final_layer.linear", 64, kWidth);
  auto model = Transformer::load(Weights(tensors, "random"), kFluxRopeAxes);
  if (!model.ok()) {
    std::fprintf(stderr, "bench_gpu_steps: %s\n", model.error().what.c_str());
    std::exit(1);
  }
  return std::move(model).value();
}

void measure_graphs(const Transformer& model, const std::string& name, at::Device device) {
  heading("CUDA graphs: " + name);
  constexpr std::pair<int, int> kSizes[] = {{192, 288}, {512, 512}, {832, 1248}, {1024, 1024}};
  for (const auto& [width, height] : kSizes) {
    const std::string size = std::to_string(width) + " x " + std::to_string(height);
    try {
      measure_one(model, name + ", " + size, input_of(width, height, device), device);
    } catch (const std::exception& error) {
      std::printf("graph: %s, %s: %.300s\n", name.c_str(), size.c_str(), error.what());
    }
    give_back_memory(device);
  }
}

}  // namespace pirouette::flux::bench
