// bench_gpu_steps FOLDER GOLDEN [graphs|caches]: FOLDER as bench_gpu leaves it. Prints; never
// passes or fails.

#include <cstdlib>

#include "tests/bench/gpu/clock.h"
#include "tests/bench/gpu/steps/measures.h"
#include "worker/flux/device.h"

int main(int argc, char** argv) {
  using namespace pirouette::flux;
  if (argc < 3) {
    std::fprintf(stderr, "bench_gpu_steps FOLDER GOLDEN [graphs|caches]\n");
    return 2;
  }
  const at::NoGradGuard no_grad;
  const std::string what = argc > 3 ? argv[3] : "all";
  const auto device = parse_device("cuda");
  if (!device.ok()) {
    std::fprintf(stderr, "bench_gpu_steps: %s\n", device.error().what.c_str());
    return 1;
  }
  prepare(device.value());
  at::manual_seed(1);
  std::printf("%s, %s\n", device_name(device.value()).c_str(), torch_version().c_str());
  auto loaded = Kontext::load({argv[1], argv[2]}, at::kBFloat16, device.value(),
                              {PristineAt::device, /*text_encoders=*/true});
  if (!loaded.ok()) {
    std::fprintf(stderr, "bench_gpu_steps: %s\n", loaded.error().what.c_str());
    return 1;
  }
  Kontext kontext = std::move(loaded).value();
  if (what != "graphs") bench::measure_step_caches(kontext);
  if (what != "caches") {
    bench::measure_graphs(bench::make_mini(device.value()), "mini model", device.value());
    bench::measure_graphs(*kontext.variants().find_selected(), "full size", device.value());
  }
  return 0;
}
