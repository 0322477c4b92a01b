#pragma once
// The loop's clock: wall time at the start, carried on by the steady clock, so that a clock set
// back or forward in the night moves no lease.

#include <chrono>

#include "common/clock.h"

namespace pirouette::runtime {

class LoopClock {
 public:
  Instant now() const {
    using namespace std::chrono;
    return wall_start_ +
           Duration{duration_cast<microseconds>(steady_clock::now() - steady_start_).count()};
  }

 private:
  Instant wall_start_ = wall_clock_now();
  std::chrono::steady_clock::time_point steady_start_ = std::chrono::steady_clock::now();
};

}  // namespace pirouette::runtime
