#pragma once
// Numbers of 8 and 16 bits as float32, exactly: float8 e4m3fn and e5m2 (Micikevicius et al., "FP8
// Formats for Deep Learning": e4m3 has no infinity), and half precision. Free of torch, and needed
// with it too: torch has float8 only since 2.1.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "worker/flux/storage/dtype.h"

namespace pirouette::flux {

inline float half_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1Fu, fraction = bits & 0x3FFu;
  if (exponent == 0) {  // zero and subnormals: fraction * 2^-24
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFFu : exponent + 112u;
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

// The largest number of e4m3.
inline constexpr float kE4m3Max = 448.0f;

// The nearest e4m3 byte, of two the even one; kE4m3Max for what is beyond it.
inline std::uint8_t float_to_e4m3(float value) {
  const std::uint32_t sign = (std::bit_cast<std::uint32_t>(value) >> 24) & 0x80u;
  if (std::isnan(value)) return static_cast<std::uint8_t>(sign | 0x7Fu);
  const float size = std::min(std::fabs(value), kE4m3Max);
  if (size < 0x1p-6f)  // zero and subnormals: fraction * 2^-9
    return static_cast<std::uint8_t>(sign | static_cast<std::uint32_t>(std::nearbyint(size * 512)));
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(size);
  const std::uint32_t rounded = (bits + 0x7FFFFu + ((bits >> 20) & 1u)) >> 20;
  return static_cast<std::uint8_t>(sign | (rounded - ((127u - 7u) << 3)));
}

// What each of the 256 bytes means; dtype is f8_e4m3 or f8_e5m2.
inline std::array<float, 256> float8_values(Dtype dtype) {
  std::array<float, 256> values{};
  for (std::uint32_t byte = 0; byte < values.size(); ++byte) {
    if (dtype == Dtype::f8_e5m2) {  // the upper byte of a half
      values[byte] = half_to_float(static_cast<std::uint16_t>(byte << 8));
      continue;
    }
    const int exponent = static_cast<int>((byte >> 3) & 0xFu);
    const auto fraction = static_cast<float>(byte & 7u);
    float value =
        exponent == 0 ? std::ldexp(fraction, -9) : std::ldexp(1.0f + fraction / 8.0f, exponent - 7);
    if ((byte & 0x7Fu) == 0x7Fu) value = std::numeric_limits<float>::quiet_NaN();
    values[byte] = (byte & 0x80u) != 0 ? -value : value;
  }
  return values;
}

}  // namespace pirouette::flux
