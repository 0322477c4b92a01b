#pragma once
// The only place that reads clocks: the wall's, for what people and the database see, and one that
// never jumps, for waiting inside one process.

#include <chrono>

#include "common/time.h"

namespace pirouette {

inline Instant wall_clock_now() {
  using namespace std::chrono;
  return {duration_cast<microseconds>(system_clock::now().time_since_epoch()).count()};
}

// Counts from an unknown start: only differences mean something.
inline Instant monotonic_now() {
  using namespace std::chrono;
  return {duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count()};
}

}  // namespace pirouette
