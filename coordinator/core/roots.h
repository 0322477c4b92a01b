#pragma once
// Square roots of whole numbers: the core has no floating point (law 1).

#include <cstdint>

namespace pirouette::core {

// The largest r with r * r <= n, for n >= 0; Newton's way from above.
constexpr std::int64_t root(std::int64_t n) {
  if (n < 2) return n < 0 ? 0 : n;
  std::int64_t r = n / 2 + 1;
  while (true) {
    const std::int64_t next = (r + n / r) / 2;
    if (next >= r) return r;
    r = next;
  }
}

static_assert(root(0) == 0 && root(15) == 3 && root(16) == 4);
static_assert(root(INT64_MAX) == 3'037'000'499);

}  // namespace pirouette::core
