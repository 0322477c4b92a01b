#pragma once
// Writes .gguf files for tests: ggml's docs/gguf.md, version 3, and simple quantisers for the
// blocks that the engine reads. The quantisers are no ggml's: they only choose scales so that
// nothing overflows.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/flux/storage/dtype.h"
#include "worker/flux/storage/small_floats.h"

namespace pirouette::flux {

class GgufFile {
 public:
  explicit GgufFile(std::uint32_t version = 3) : version_(version) {}

  void add_text(std::string_view key, std::string_view value) {
    ++key_values_;
    put_text(header_, key);
    put(header_, std::uint32_t{8});
    put_text(header_, value);
  }
  void add_number(std::string_view key, std::uint32_t value) {
    ++key_values_;
    put_text(header_, key);
    put(header_, std::uint32_t{4});
    put(header_, value);
  }
  void add_numbers(std::string_view key, const std::vector<std::int32_t>& values) {
    ++key_values_;
    put_text(header_, key);
    put(header_, std::uint32_t{9});
    put(header_, std::uint32_t{5});
    put(header_, static_cast<std::uint64_t>(values.size()));
    for (const std::int32_t value : values) put(header_, value);
  }
  void add_texts(std::string_view key, const std::vector<std::string>& values) {
    ++key_values_;
    put_text(header_, key);
    put(header_, std::uint32_t{9});
    put(header_, std::uint32_t{8});
    put(header_, static_cast<std::uint64_t>(values.size()));
    for (const std::string& value : values) put_text(header_, value);
  }
  // shape: slowest first, as torch says it. type: ggml's number.
  void add_tensor(std::string_view name, const std::vector<std::int64_t>& shape, std::uint32_t type,
                  std::span<const std::uint8_t> bytes) {
    ++tensors_;
    put_text(infos_, name);
    put(infos_, static_cast<std::uint32_t>(shape.size()));
    for (auto size = shape.rbegin(); size != shape.rend(); ++size)
      put(infos_, static_cast<std::uint64_t>(*size));
    put(infos_, type);
    put(infos_, static_cast<std::uint64_t>(data_.size()));
    data_.insert(data_.end(), bytes.begin(), bytes.end());
    data_.resize((data_.size() + 31) / 32 * 32);
  }

  std::vector<std::uint8_t> bytes() const {
    std::vector<std::uint8_t> file = {'G', 'G', 'U', 'F'};
    put(file, version_);
    put(file, tensors_);
    put(file, key_values_);
    file.insert(file.end(), header_.begin(), header_.end());
    file.insert(file.end(), infos_.begin(), infos_.end());
    file.resize((file.size() + 31) / 32 * 32);
    file.insert(file.end(), data_.begin(), data_.end());
    return file;
  }

 private:
  template <typename T>
  static void put(std::vector<std::uint8_t>& to, T value) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
    to.insert(to.end(), bytes, bytes + sizeof value);
  }
  static void put_text(std::vector<std::uint8_t>& to, std::string_view text) {
    put(to, static_cast<std::uint64_t>(text.size()));
    to.insert(to.end(), text.begin(), text.end());
  }

  std::uint32_t version_;
  std::uint64_t tensors_ = 0, key_values_ = 0;
  std::vector<std::uint8_t> header_, infos_, data_;
};

// ggml_type of a dtype.
inline std::uint32_t ggml_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::f16:
      return 1;
    case Dtype::q4_0:
      return 2;
    case Dtype::q5_0:
      return 6;
    case Dtype::q8_0:
      return 8;
    case Dtype::q4_k:
      return 12;
    case Dtype::q5_k:
      return 13;
    case Dtype::q6_k:
      return 14;
    case Dtype::bf16:
      return 30;
    default:
      return 0;  // f32
  }
}

// Rounded down, which a scale may be.
inline std::uint16_t to_half(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const int exponent = static_cast<int>((bits >> 23) & 0xFF) - 112;
  if (exponent <= 0)  // subnormal: so many 2^-24
    return static_cast<std::uint16_t>(sign |
                                      static_cast<std::uint32_t>(std::ldexp(std::abs(value), 24)));
  return static_cast<std::uint16_t>(sign | (static_cast<std::uint32_t>(exponent) << 10) |
                                    ((bits >> 13) & 0x3FFu));
}

inline float from_half(std::uint16_t half) { return half_to_float(half); }

inline int nearest(float value, float step, int least, int most) {
  return step == 0 ? 0 : std::clamp(static_cast<int>(std::lround(value / step)), least, most);
}

inline void put_half(std::vector<std::uint8_t>& block, std::size_t at, std::uint16_t half) {
  std::memcpy(block.data() + at, &half, sizeof half);
}

inline float largest(std::span<const float> values) {
  float most = 0;
  for (const float value : values) most = std::max(most, std::abs(value));
  return most;
}

// 32 numbers -> a block of q4_0, q5_0 or q8_0.
inline std::vector<std::uint8_t> quantise_small(Dtype dtype, std::span<const float> x) {
  std::vector<std::uint8_t> block(block_bytes(dtype));
  const int most = dtype == Dtype::q4_0 ? 7 : dtype == Dtype::q5_0 ? 15 : 127;
  const std::uint16_t d = to_half(largest(x) / static_cast<float>(most) * 1.001f);
  put_half(block, 0, d);
  for (std::size_t i = 0; i < 32; ++i) {
    const int q = nearest(x[i], from_half(d), -most, most);
    if (dtype == Dtype::q8_0) {
      block[2 + i] = static_cast<std::uint8_t>(q);
      continue;
    }
    const auto code = static_cast<unsigned>(q + most + 1);
    const std::size_t low = dtype == Dtype::q4_0 ? 2 : 6;
    block[low + i % 16] =
        static_cast<std::uint8_t>(block[low + i % 16] | (code & 0xF) << (i / 16 * 4));
    if (dtype == Dtype::q5_0 && (code & 16) != 0)
      block[2 + i / 8] = static_cast<std::uint8_t>(block[2 + i / 8] | 1u << (i % 8));
  }
  return block;
}

// 256 numbers -> a block of q4_k or q5_k: d and dmin are 1/63 of the largest scale and minimum.
inline std::vector<std::uint8_t> quantise_k(Dtype dtype, std::span<const float> x) {
  std::vector<std::uint8_t> block(block_bytes(dtype));
  const int levels = dtype == Dtype::q4_k ? 15 : 31;
  float minimums[8], scales[8], most_minimum = 0, most_scale = 0;
  for (std::size_t g = 0; g < 8; ++g) {
    const auto run = x.subspan(g * 32, 32);
    minimums[g] = std::max(0.0f, -*std::ranges::min_element(run));
    scales[g] = (*std::ranges::max_element(run) + minimums[g]) / static_cast<float>(levels);
    most_minimum = std::max(most_minimum, minimums[g]);
    most_scale = std::max(most_scale, scales[g]);
  }
  const std::uint16_t d = to_half(most_scale / 63 * 1.001f),
                      dmin = to_half(most_minimum / 63 * 1.001f);
  put_half(block, 0, d);
  put_half(block, 2, dmin);
  for (std::size_t g = 0; g < 8; ++g) {
    const auto s = static_cast<unsigned>(nearest(scales[g], from_half(d), 0, 63));
    const auto m = static_cast<unsigned>(nearest(minimums[g], from_half(dmin), 0, 63));
    std::uint8_t* packed = block.data() + 4;
    const auto set = [&](std::size_t at, unsigned bits) {
      packed[at] = static_cast<std::uint8_t>(packed[at] | bits);
    };
    set(g < 4 ? g : g + 4, g < 4 ? s : s & 0xF);
    set(g < 4 ? g + 4 : g + 4, g < 4 ? m : (m & 0xF) << 4);
    if (g >= 4) {
      set(g - 4, (s >> 4) << 6);
      set(g, (m >> 4) << 6);
    }
    const float step = from_half(d) * static_cast<float>(s);
    const float least = from_half(dmin) * static_cast<float>(m);
    const std::size_t low = dtype == Dtype::q4_k ? 16 : 48;
    for (std::size_t i = 0; i < 32; ++i) {
      const auto q = static_cast<unsigned>(nearest(x[g * 32 + i] + least, step, 0, levels));
      std::uint8_t& both = block[low + g / 2 * 32 + i];
      both = static_cast<std::uint8_t>(both | (q & 0xF) << (g % 2 * 4));
      if (q > 15) block[16 + i] = static_cast<std::uint8_t>(block[16 + i] | 1u << g);
    }
  }
  return block;
}

// 256 numbers -> a block of q6_k: 16 numbers share a scale of 8 bits.
inline std::vector<std::uint8_t> quantise_q6_k(std::span<const float> x) {
  std::vector<std::uint8_t> block(block_bytes(Dtype::q6_k));
  const std::uint16_t d = to_half(largest(x) / 31 / 127 * 1.001f);
  put_half(block, 208, d);
  for (std::size_t i = 0; i < 256; ++i) {
    const std::size_t half = i / 128, run = i % 128 / 32, at = i % 32;
    const float most = largest(x.subspan(i / 16 * 16, 16));
    const int scale = nearest(most / 31, from_half(d), 0, 127);
    block[192 + i / 16] = static_cast<std::uint8_t>(scale);
    const auto q = static_cast<unsigned>(
        nearest(x[i], from_half(d) * static_cast<float>(scale), -32, 31) + 32);
    std::uint8_t& low = block[half * 64 + run % 2 * 32 + at];
    low = static_cast<std::uint8_t>(low | (q & 0xF) << (run / 2 * 4));
    std::uint8_t& high = block[128 + half * 32 + at];
    high = static_cast<std::uint8_t>(high | (q >> 4) << (run * 2));
  }
  return block;
}

// x fills whole blocks.
inline std::vector<std::uint8_t> quantise(Dtype dtype, std::span<const float> x) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t at = 0; at < x.size(); at += block_elements(dtype)) {
    const auto part = x.subspan(at, block_elements(dtype));
    const auto block = dtype == Dtype::q6_k         ? quantise_q6_k(part)
                       : block_elements(dtype) > 32 ? quantise_k(dtype, part)
                                                    : quantise_small(dtype, part);
    bytes.insert(bytes.end(), block.begin(), block.end());
  }
  return bytes;
}

}  // namespace pirouette::flux
