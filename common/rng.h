#pragma once
// SplitMix64: a small seeded generator for what must be the same on every machine (seeds of poses,
// jitter of retries). Not for cryptography. Source: Steele, Lea, Flood (2014), public domain
// constants by Vigna.

#include <cstdint>

namespace pirouette {

class Rng {
 public:
  explicit constexpr Rng(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  // Uniform in [0, bound); bound > 0. The bias is at most bound / 2^64.
  constexpr std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace pirouette
