// How fast characters are drawn, on one thread, by processor time: what a trainer that renders its
// data as it goes must wait for.
//
//   bench_characters [pictures]

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tests/bench/measure.h"
#include "worker/train/characters/character.h"
#include "worker/train/characters/render.h"

namespace pirouette {
namespace {

void measure_size(int width, int height, int oversampling, int pictures) {
  std::vector<double> build_ms, render_ms;
  for (int i = 0; i < pictures; ++i) {
    const double start = bench::processor_seconds();
    const auto body = characters::build(characters::character_of(static_cast<std::uint64_t>(i)));
    const double built = bench::processor_seconds();
    characters::Camera camera;
    camera.width = width;
    camera.height = height;
    camera.oversampling = oversampling;
    camera.azimuth_deg = 45.0 * (i % 8);
    const Image image = characters::render(body, camera);
    render_ms.push_back(1e3 * (bench::processor_seconds() - built));
    build_ms.push_back(1e3 * (built - start));
    PIROUETTE_CHECK(!image.pixels.empty());
  }
  std::printf(
      "%4d x %-4d %d x %d samples a pixel: build %.2f ms, render median %.1f, p95 %.1f ms\n", width,
      height, oversampling, oversampling, bench::median(build_ms), bench::median(render_ms),
      bench::quantile(render_ms, 0.95));
}

}  // namespace
}  // namespace pirouette

int main(int argc, char** argv) {
  const int pictures = argc > 1 ? std::atoi(argv[1]) : 400;
  if (pictures < 1) {
    std::fprintf(stderr, "usage: bench_characters [pictures]\n");
    return 2;
  }
  pirouette::measure_size(192, 288, 4, pictures);
  pirouette::measure_size(192, 288, 3, pictures);
  pirouette::measure_size(832, 1248, 3, pictures / 10 + 1);
  return 0;
}
