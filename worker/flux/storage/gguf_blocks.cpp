#include "worker/flux/storage/gguf_blocks.h"

#include <cstring>
#include <utility>

#include "common/result.h"
#include "worker/flux/storage/small_floats.h"

namespace pirouette::flux {
namespace {

constexpr int kSmall = 32;   // numbers in a block of the plain kinds
constexpr int kLarge = 256;  // and of the K kinds

float half_at(const std::uint8_t* bytes) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof bits);
  return half_to_float(bits);
}

// d, 16 bytes: the low halves are numbers 0 to 15, the high ones 16 to 31.
void dequantise_q4_0(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  const std::uint8_t* q = block + 2;
  for (int i = 0; i < kSmall / 2; ++i) {
    out[i] = static_cast<float>((q[i] & 0xF) - 8) * d;
    out[i + kSmall / 2] = static_cast<float>((q[i] >> 4) - 8) * d;
  }
}

// d, 32 fifth bits, then as q4_0.
void dequantise_q5_0(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  std::uint32_t fifth = 0;
  std::memcpy(&fifth, block + 2, sizeof fifth);
  const std::uint8_t* q = block + 6;
  const auto high = [&](int i) { return static_cast<int>(((fifth >> i) & 1u) << 4); };
  for (int i = 0; i < kSmall / 2; ++i) {
    const int j = i + kSmall / 2;
    out[i] = static_cast<float>(((q[i] & 0xF) | high(i)) - 16) * d;
    out[j] = static_cast<float>(((q[i] >> 4) | high(j)) - 16) * d;
  }
}

// d, 32 signed bytes.
void dequantise_q8_0(const std::uint8_t* block, float* out) {
  const float d = half_at(block);
  for (int i = 0; i < kSmall; ++i)
    out[i] = static_cast<float>(static_cast<std::int8_t>(block[2 + i])) * d;
}

// Scale and minimum, of 6 bits each, of one of eight groups packed in 12 bytes.
std::pair<int, int> scale_and_minimum(const std::uint8_t* packed, int group) {
  if (group < 4) return {packed[group] & 63, packed[group + 4] & 63};
  return {(packed[group + 4] & 0xF) | ((packed[group - 4] >> 6) << 4),
          (packed[group + 4] >> 4) | ((packed[group] >> 6) << 4)};
}

// d, dmin, 12 bytes of scales and minimums, (q5_k: 32 bytes of fifth bits,) 128 bytes of halves.
// Two groups of 32 share 32 bytes: the first in the low halves, the second in the high ones; bit g
// of the fifth bits is group g's.
void dequantise_k(const std::uint8_t* block, bool has_fifth_bits, float* out) {
  const float d = half_at(block), dmin = half_at(block + 2);
  const std::uint8_t* packed = block + 4;
  const std::uint8_t* fifth = block + 16;
  const std::uint8_t* q = block + (has_fifth_bits ? 48 : 16);
  for (int group = 0; group < kLarge / kSmall; ++group) {
    const auto [scale, minimum] = scale_and_minimum(packed, group);
    const float s = d * static_cast<float>(scale), m = dmin * static_cast<float>(minimum);
    const int shift = group % 2 * 4;
    for (int i = 0; i < kSmall; ++i) {
      const int low = (q[group / 2 * kSmall + i] >> shift) & 0xF;
      const int high = has_fifth_bits ? ((fifth[i] >> group) & 1) << 4 : 0;
      out[group * kSmall + i] = s * static_cast<float>(low | high) - m;
    }
  }
}

// 128 bytes of low halves, 64 bytes of high pairs, 16 signed scales, d. In each 128 numbers, the
// four runs of 32 have their low halves in bytes 0-31, 32-63, 0-31, 32-63 of 64 and their pairs at
// bits 0, 2, 4, 6 of 32 bytes; 16 numbers share a scale.
void dequantise_q6_k(const std::uint8_t* block, float* out) {
  const float d = half_at(block + 208);
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t* low = block + half * 64;
    const std::uint8_t* high = block + 128 + half * 32;
    const std::uint8_t* scales = block + 192 + half * 8;
    for (int run = 0; run < 4; ++run) {
      for (int i = 0; i < kSmall; ++i) {
        const int q = ((low[run % 2 * kSmall + i] >> (run / 2 * 4)) & 0xF) |
                      (((high[i] >> (run * 2)) & 3) << 4);
        const auto scale = static_cast<std::int8_t>(scales[run * 2 + i / 16]);
        out[half * 128 + run * kSmall + i] =
            d * static_cast<float>(scale) * static_cast<float>(q - 32);
      }
    }
  }
}

void dequantise_one(Dtype dtype, const std::uint8_t* block, float* out) {
  switch (dtype) {
    case Dtype::q4_0:
      return dequantise_q4_0(block, out);
    case Dtype::q5_0:
      return dequantise_q5_0(block, out);
    case Dtype::q8_0:
      return dequantise_q8_0(block, out);
    case Dtype::q4_k:
      return dequantise_k(block, false, out);
    case Dtype::q5_k:
      return dequantise_k(block, true, out);
    case Dtype::q6_k:
      return dequantise_q6_k(block, out);
    default:
      PIROUETTE_CHECK(is_block(dtype));
  }
}

}  // namespace

void dequantise(Dtype dtype, std::span<const std::uint8_t> blocks, std::span<float> out) {
  const std::size_t count = out.size() / block_elements(dtype);
  PIROUETTE_CHECK(blocks.size() == count * block_bytes(dtype) &&
                  out.size() == count * block_elements(dtype));
  for (std::size_t i = 0; i < count; ++i)
    dequantise_one(dtype, blocks.data() + i * block_bytes(dtype),
                   out.data() + i * block_elements(dtype));
}

}  // namespace pirouette::flux
