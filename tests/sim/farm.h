#pragma once
// One run: a whole farm for a troubled while, and then for a calm one in which it must come to
// rest. All of it follows from the seed.

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "tests/sim/weather.h"

namespace pirouette::sim {

struct Outcome {
  std::string broken;                                   // empty: all promises held
  std::uint64_t hash = 0;                               // of all that happened
  std::uint64_t done = 0;                               // jobs
  std::array<std::uint64_t, Weather::kKinds> struck{};  // how often each trouble came
};

// aloud: prints what happens.
Outcome run_farm(std::uint64_t seed, bool aloud = false);

}  // namespace pirouette::sim
