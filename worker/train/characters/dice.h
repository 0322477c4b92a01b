#pragma once
// Chances from a seed. Each aspect of a character throws dice of its own, keyed by the seed and a
// word, so that a change of one aspect leaves every other as it was.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "common/rng.h"

namespace pirouette::characters {

class Dice {
 public:
  Dice(std::uint64_t seed, std::string_view aspect) : rng_(mixed(seed, aspect)) {}

  double between(double low, double high) { return low + (high - low) * share(); }
  bool chance(double probability) { return share() < probability; }

  template <typename T>
  T one_of(std::initializer_list<T> some) {
    return some.begin()[rng_.below(some.size())];
  }
  template <typename T>
  T one_of(std::span<const T> some) {
    return some[rng_.below(some.size())];
  }

 private:
  // FNV-1a over the word, from the seed.
  static std::uint64_t mixed(std::uint64_t seed, std::string_view aspect) {
    std::uint64_t hash = seed ^ 0xcbf29ce484222325u;
    for (const char letter : aspect) {
      hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3u;
    }
    return Rng(hash).next();
  }
  double share() { return static_cast<double>(rng_.next() >> 11) * 0x1.0p-53; }

  Rng rng_;
};

}  // namespace pirouette::characters
