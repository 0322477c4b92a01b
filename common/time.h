#pragma once
// Time inside the program: microseconds in 64 bits. An Instant counts from the Unix epoch, so it
// survives a restart in the database. Only runtime and the worker's link read a clock (common/
// clock.h); everything else is handed the time.

#include <compare>
#include <cstdint>

namespace pirouette {

struct Duration {
  std::int64_t us = 0;
  auto operator<=>(const Duration&) const = default;
};

struct Instant {
  std::int64_t us = 0;
  auto operator<=>(const Instant&) const = default;
};

constexpr Duration milliseconds(std::int64_t n) { return {n * 1000}; }
constexpr Duration seconds(std::int64_t n) { return {n * 1'000'000}; }
constexpr Instant kNever{INT64_MAX};

constexpr Instant operator+(Instant t, Duration d) { return {t.us + d.us}; }
constexpr Instant operator-(Instant t, Duration d) { return {t.us - d.us}; }
constexpr Duration operator-(Instant a, Instant b) { return {a.us - b.us}; }
constexpr Duration operator*(Duration d, std::int64_t n) { return {d.us * n}; }

}  // namespace pirouette
