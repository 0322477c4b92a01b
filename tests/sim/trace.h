#pragma once
// What happened in a run, in order: always as one number, by which two runs are compared, and line
// by line on standard output where somebody wants to read it.

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "tests/sim/timeline.h"

namespace pirouette::sim {

class Trace {
 public:
  Trace(const Timeline& time, bool aloud) : time_(time), started_(time.now()), aloud_(aloud) {}

  void say(std::string_view text) {
    add(text);
    if (!aloud_) return;
    std::printf("%10.3f %.*s\n", static_cast<double>((time_.now() - started_).us) / 1e6,
                static_cast<int>(text.size()), text.data());
  }
  // Counts for the hash and is not printed.
  void add(std::string_view bytes) {
    mix(static_cast<std::uint64_t>(time_.now().us));
    for (const char byte : bytes) mix(static_cast<unsigned char>(byte));
  }
  std::uint64_t hash() const { return hash_; }
  bool is_aloud() const { return aloud_; }

 private:
  // FNV-1a.
  void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001B3u; }

  const Timeline& time_;
  const Instant started_;
  const bool aloud_;
  std::uint64_t hash_ = 0xCBF29CE484222325u;
};

}  // namespace pirouette::sim
