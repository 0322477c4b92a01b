#pragma once
// Fresh random numbers, poisoned outputs and distances, on the device. The seed is another one each
// time and printed, so that a failure can be had again: PIROUETTE_SEED=n.

#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>

#include "tests/golden/golden.h"
#include "worker/flux/device.h"

namespace pirouette::flux::gpu {

using golden::distance;
using golden::get;

// bfloat16 keeps 8 bits: 2^-9 of each number, plus what a last rounding to the other side adds.
inline constexpr double kRoundingTolerance = 4e-3;

inline std::uint64_t seed() {
  static const std::uint64_t chosen = [] {
    const char* text = std::getenv("PIROUETTE_SEED");
    const std::uint64_t number =
        text != nullptr ? std::strtoull(text, nullptr, 10) : std::random_device()();
    std::printf("PIROUETTE_SEED=%llu\n", static_cast<unsigned long long>(number));
    at::manual_seed(number);
    return number;
  }();
  return chosen;
}

inline at::Device device() {
  static const at::Device found = [] {
    const at::Device first = get(parse_device("cuda"));
    prepare(first);
    seed();
    return first;
  }();
  return found;
}

inline at::TensorOptions options(at::ScalarType type = at::kBFloat16) {
  return at::TensorOptions().dtype(type).device(device());
}

inline Tensor random(at::IntArrayRef shape, double scale = 1.0) {
  return (at::randn(shape, options(at::kFloat)) * scale).to(at::kBFloat16);
}

// Not a number wherever nothing is written.
inline Tensor poisoned(at::IntArrayRef shape, at::ScalarType type = at::kBFloat16) {
  return at::full(shape, std::numeric_limits<double>::quiet_NaN(), options(type));
}

// Time and guidance as the bfloat16 model is told of them: their thousandths are rounded.
inline Tensor told(const Tensor& x, at::ScalarType type) {
  return (x.to(at::kBFloat16) * 1000).to(type) / 1000;
}

inline Tensor wide(const Tensor& x) { return x.to(at::kFloat); }

}  // namespace pirouette::flux::gpu
