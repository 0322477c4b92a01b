#pragma once
// The only place that reads the wall clock.

#include <chrono>

#include "common/time.h"

namespace pirouette {

inline Instant wall_clock_now() {
  using namespace std::chrono;
  return {duration_cast<microseconds>(system_clock::now().time_since_epoch()).count()};
}

}  // namespace pirouette
