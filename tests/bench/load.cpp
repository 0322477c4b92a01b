// How long a model takes to load, part by part: finding it (headers), reading it (decoding,
// casting) and building it. Reading a mapped file costs nothing until a page is used, so the files'
// bytes are touched once before, and what is measured is the program's own work. Prints medians;
// asserts nothing.
//
//   bench_load MODEL [tokenizers] [float32|bfloat16] [runs]

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "tests/bench/measure.h"
#include "worker/flux/kontext.h"
#include "worker/flux/part_weights.h"
#include "worker/flux/storage/model_source.h"

namespace {

using namespace pirouette;

void row(const char* what, int runs, const std::function<void()>& work) {
  std::vector<double> times;
  for (int i = 0; i < runs; ++i) {
    const bench::Stopwatch watch;
    work();
    times.push_back(watch.seconds() * 1000);
  }
  std::printf("%-34s %9.2f ms  (worst %.2f)\n", what, bench::median(times),
              bench::quantile(times, 1));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || *argv[1] == '-') {
    std::fputs("usage: bench_load MODEL [tokenizers] [float32|bfloat16] [runs]\n", stderr);
    return 2;
  }
  const flux::KontextFiles files{argv[1], argc > 2 && *argv[2] != '\0'
                                              ? std::optional<std::filesystem::path>(argv[2])
                                              : std::nullopt};
  const bool brain = argc > 3 && std::string_view(argv[3]) == "bfloat16";
  const at::ScalarType dtype = brain ? at::kBFloat16 : at::kFloat;
  const int runs = argc > 4 ? std::max(1, std::atoi(argv[4])) : 5;

  const flux::ModelSource source = bench::need(flux::find_model(files.model, files.tokenizers));
  bench::need(flux::Kontext::load(files, dtype));  // pages in, libraries warm
  std::printf("%s, %s, computed in %s\n", argv[1],
              std::string(flux::layout_title(source.layout)).c_str(),
              brain ? "bfloat16" : "float32");
  row("find the model (headers)", runs,
      [&] { bench::need(flux::find_model(files.model, files.tokenizers)); });
  for (const flux::Part* part :
       {&source.transformer, &source.clip, &source.t5, &source.autoencoder})
    row(("read " + std::string(flux::part_title(part->kind))).c_str(), runs,
        [&] { bench::need(flux::load_part(*part, dtype, at::kCPU)); });
  row("CLIP's tokenizer", runs,
      [&] { bench::need(flux::ClipTokenizer::load(source.tokenizers / "tokenizer")); });
  row("T5's tokenizer", runs,
      [&] { bench::need(flux::T5Tokenizer::load(source.tokenizers / "tokenizer_2")); });
  row("the whole model", runs, [&] { bench::need(flux::Kontext::load(files, dtype)); });
  return 0;
}
