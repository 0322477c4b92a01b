// A small stand-in for libFuzzer, so that every build runs the targets: all seeds of a folder, then
// mutations of them for some seconds. The same seed gives the same inputs in the same order; what
// ends the process is left in ./crash-input.
//
//   fuzz_NAME FOLDER [--seconds N] [--seed N]
//   fuzz_NAME FILE          runs that one input

#include <sanitizer/common_interface_defs.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/target.h"

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kInputMaxBytes = 1u << 16;  // larger inputs are slower and find no more
constexpr int kMutationsMax = 6;                  // of one input

Bytes current;  // the input that runs

void leave_input() {
  std::FILE* file = std::fopen("crash-input", "wb");
  if (file == nullptr) return;
  std::fwrite(current.data(), 1, current.size(), file);
  std::fclose(file);
  std::fputs("the input is in ./crash-input\n", stderr);
}

void on_abort(int) {
  leave_input();
  std::_Exit(1);
}

void run(Bytes input) {
  current = std::move(input);
  LLVMFuzzerTestOneInput(current.data(), current.size());
}

Bytes read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Mutator {
 public:
  Mutator(std::vector<Bytes> seeds, std::uint64_t seed) : seeds_(std::move(seeds)), random_(seed) {}

  Bytes next() {
    Bytes input = seeds_[below(seeds_.size())];
    for (std::size_t i = 0, count = 1 + below(kMutationsMax); i < count; ++i) mutate(input);
    if (input.size() > kInputMaxBytes) input.resize(kInputMaxBytes);
    return input;
  }

 private:
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  // Numbers at which lengths, counts and offsets break.
  std::uint64_t edge() {
    constexpr std::uint64_t kEdges[] = {0,
                                        1,
                                        7,
                                        8,
                                        31,
                                        32,
                                        33,
                                        255,
                                        256,
                                        0x7fff,
                                        0xffff,
                                        0x7fffffff,
                                        0x80000000,
                                        0xffffffff,
                                        0x100000000,
                                        0x7fffffffffffffff,
                                        0x8000000000000000,
                                        0xffffffffffffffff};
    return kEdges[below(std::size(kEdges))];
  }

  void mutate(Bytes& input) {
    const std::size_t at = below(input.size());
    const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t run = std::min(input.size() - at, 1 + below(16));
    switch (below(7)) {
      case 0:
        if (!input.empty()) input[at] = static_cast<std::uint8_t>(input[at] ^ (1u << below(8)));
        return;
      case 1:
        if (!input.empty()) input[at] = static_cast<std::uint8_t>(random_());
        return;
      case 2:
        input.erase(place, place + static_cast<std::ptrdiff_t>(run));
        return;
      case 3:
        input.insert(place, run, static_cast<std::uint8_t>(random_()));
        return;
      case 4: {  // an edge over 1, 2, 4 or 8 bytes
        const std::uint64_t number = edge();
        const std::size_t size = std::min(input.size() - at, std::size_t{1} << below(4));
        if (!input.empty()) std::memcpy(input.data() + at, &number, size);
        return;
      }
      case 5: {  // an edge in digits
        const std::string number = std::to_string(edge());
        input.insert(place, number.begin(), number.end());
        return;
      }
      default: {  // a stretch of another seed
        const Bytes& other = seeds_[below(seeds_.size())];
        const std::size_t from = below(other.size());
        const std::size_t size = std::min(other.size() - from, 1 + below(64));
        const auto first = other.begin() + static_cast<std::ptrdiff_t>(from);
        input.insert(place, first, first + static_cast<std::ptrdiff_t>(size));
      }
    }
  }

  std::vector<Bytes> seeds_;
  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  double seconds = 2;
  std::uint64_t seed = 1;
  for (int i = 2; i + 1 < argc; i += 2) {
    if (std::string(argv[i]) == "--seconds") seconds = std::atof(argv[i + 1]);
    if (std::string(argv[i]) == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
  }
  __sanitizer_set_death_callback(leave_input);
  std::signal(SIGABRT, on_abort);

  const fs::path path = argv[1];
  if (fs::is_regular_file(path)) {
    run(read(path));
    return 0;
  }
  std::vector<fs::path> files(fs::directory_iterator(path), fs::directory_iterator{});
  std::sort(files.begin(), files.end());
  std::vector<Bytes> seeds;
  for (const fs::path& file : files) seeds.push_back(read(file));
  if (seeds.empty()) {
    std::fprintf(stderr, "%s has no seeds\n", path.c_str());
    return 1;
  }
  for (const Bytes& input : seeds) run(input);
  Mutator mutator(seeds, seed);
  std::size_t count = 0;
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < std::chrono::duration<double>(seconds)) {
    for (int i = 0; i < 100; ++i, ++count) run(mutator.next());
  }
  std::printf("%zu seeds and %zu mutations of them\n", seeds.size(), count);
  return 0;
}
