#include "tests/bench/gpu/train_bench.h"

#include <cstdlib>

#include "tests/bench/gpu/clock.h"
#include "worker/flux/device.h"
#include "worker/train/adamw.h"
#include "worker/train/lora_task.h"

namespace pirouette::flux::bench {
namespace {

constexpr int kSide = 1024, kSteps = 20, kTimedAfter = 3;
constexpr double kTokens = 512 + 2 * (kSide / 16) * (kSide / 16);
constexpr double kGib = 1024.0 * 1024 * 1024;
constexpr double kLearningRate = 1e-3;

template <typename T>
T get(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "bench_gpu: %s\n", result.error().what.c_str());
  std::exit(1);
}

Image striped(int stripe) {
  Image image{kSide, kSide, 3, {}};
  image.pixels.reserve(std::size_t{3} * kSide * kSide);
  for (int i = 0; i < kSide * kSide * 3; ++i)
    image.pixels.push_back(static_cast<std::uint8_t>((i * stripe + i / (kSide * 3) * 11) % 256));
  return image;
}

class OneExample : public train::Dataset {
 public:
  Result<train::Example> at(std::uint64_t, Rng&) const override {
    return train::Example{striped(7), striped(5), prompts().front()};
  }
  std::vector<std::string> prompts() const override { return {"back view of the character"}; }
};

// Forward, forward again, and back: the weights stay, so that every product has one gradient, its
// input's; attention's way back is five products where its way forward is two. A low-rank change
// has both gradients.
double floor_ms(const Ceilings& ceilings, double lora_numbers) {
  const double lora_tflop = 8e-12 * lora_numbers * kTokens;
  return 1e3 * ((3 * products_tflop() + lora_tflop) / ceilings.gemm_tflops +
                4.5 * attention_tflop() / ceilings.attention_tflops);
}

}  // namespace

void measure_training(const std::filesystem::path& model, const std::filesystem::path& tokenizers,
                      const Ceilings& ceilings, at::Device device) {
  const at::AutoGradMode grad(true);
  train::ModelOptions options;
  options.path = model;
  options.tokenizers = tokenizers;
  options.dtype = at::kBFloat16;
  options.device = device;
  train::DenoiserOptions denoiser;
  denoiser.size = {kSide, kSide};
  const OneExample example;
  const auto task =
      get(train::make_lora_task(options, {32, 32, {"all-linear"}}, denoiser, example));
  train::Parameters& parameters = task->parameters();
  train::AdamW adam(parameters, {});
  const auto numbers = static_cast<double>(parameters.count());
  line("training: numbers to learn", numbers / 1e6, "million", "rank 32, all linears");

  double first = 0, last = 0;
  std::vector<double> taken;
  for (int step = 1; step <= kSteps; ++step) {
    const double ms = host_ms([&] {
      last = get(task->learn(0)).item<double>();
      parameters.collect(1);
      (void)parameters.clip(1);
      adam.step(parameters, kLearningRate, step);
      parameters.forget_gradients();
      parameters.publish();
    });
    if (step == 1) first = last;
    if (step > kTimedAfter) taken.push_back(ms);
  }
  std::ranges::sort(taken);
  const double ms = taken[taken.size() / 2];
  const DeviceMemory memory = ask_memory(device);
  // torch's allocator gives nothing back by itself, so this is the most there was.
  line("training: memory in use on the device, at most",
       static_cast<double>(memory.total_bytes - memory.free_bytes) / kGib, "GiB");
  line("training: a step", ms / 1e3, "s", "examples drawn and encoded, AdamW included");
  line("training: floor of a step", floor_ms(ceilings, numbers) / 1e3, "s",
       "forward, recomputed, back, at their ceilings");
  line("training: share of the floor", 100 * floor_ms(ceilings, numbers) / ms, "%");
  line("training: loss of the batch, first step", first, "");
  line("training: loss of the batch, step 20", last, "", last < first ? "fell" : "DID NOT FALL");
}

}  // namespace pirouette::flux::bench
