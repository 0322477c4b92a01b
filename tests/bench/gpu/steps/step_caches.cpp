#include <algorithm>
#include <cstdlib>
#include <vector>

#include "tests/bench/gpu/clock.h"
#include "tests/bench/gpu/steps/measures.h"

namespace pirouette::flux::bench {
namespace {

constexpr int kSteps = 24, kWidth = 832, kHeight = 1248;

template <typename T>
T get(Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "bench_gpu_steps: %s\n", result.error().what.c_str());
  std::exit(1);
}

Image striped() {
  Image image{kWidth, kHeight, 3, {}};
  for (int i = 0; i < kWidth * kHeight * 3; ++i)
    image.pixels.push_back(static_cast<std::uint8_t>((i * 7 + i / (kWidth * 3) * 11) % 256));
  return image;
}

struct Run {
  double seconds = 0;
  std::vector<Tensor> latents;  // after each step, float32
};

Run run(const Kontext& kontext, RenderRequest request, const std::string& cache) {
  request.step_cache = get(parse_step_cache(cache));
  Run result;
  result.seconds = host_ms([&] { (void)get(kontext.render(request)); }) / 1e3;
  (void)get(kontext.render(request, [&](int, int, const Tensor& latents) {
    result.latents.push_back(latents.to(at::kFloat));
    return true;
  }));
  return result;
}

// Of the paths that both runs took; the length of a step is the same in both.
void compare(const Run& full, const Run& cached, const std::string& cache) {
  double largest = 0, sum = 0;
  for (std::size_t i = 1; i < full.latents.size(); ++i) {
    const Tensor wanted = full.latents[i] - full.latents[i - 1];
    const Tensor got = cached.latents[i] - cached.latents[i - 1];
    const double away = ((got - wanted).norm() / wanted.norm()).item<double>();
    largest = std::max(largest, away);
    sum += away;
  }
  const Tensor a = full.latents.back().flatten(), b = cached.latents.back().flatten();
  const double cosine = (a.dot(b) / (a.norm() * b.norm())).item<double>();
  line("step cache " + cache + ": a picture", cached.seconds, "s",
       std::to_string(full.seconds / cached.seconds) + " times as fast");
  line("  velocity away from the full run's, a step",
       100 * sum / static_cast<double>(full.latents.size() - 1), "%",
       "largest " + std::to_string(100 * largest) + " %");
  line("  cosine of the last latents to the full run's", cosine, "");
}

}  // namespace

void measure_step_caches(Kontext& kontext) {
  heading("step caches: 24 steps at 832 x 1248 with a reference of the same, random weights");
  RenderRequest request;
  request.prompt = get(kontext.embed_text("back view of the character, full body", 512));
  request.reference = get(kontext.encode_reference(striped(), ReferenceSize{}));
  request.width = kWidth;
  request.height = kHeight;
  request.steps = kSteps;
  request.seed = 7;
  (void)run(kontext, request, "off");  // convolutions are tried out
  const Run full = run(kontext, request, "off");
  line("step cache off: a picture", full.seconds, "s");
  for (const char* cache : {"reference=2", "reference=4", "reference=8", "skip=8+12+16+20",
                            "reference=4,skip=8+12+16+20"})
    compare(full, run(kontext, request, cache), cache);
}

}  // namespace pirouette::flux::bench
