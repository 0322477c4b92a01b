#pragma once
// How numbers are stored in checkpoint files: safetensors' dtypes, and the blocks of GGUF. A block
// holds several numbers of one row that share a scale. Free of torch, like all parsers.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pirouette::flux {

enum class Dtype {
  f64,
  f32,
  f16,
  bf16,
  f8_e4m3,
  f8_e5m2,
  i64,
  i32,
  i16,
  i8,
  u8,
  boolean,
  q4_0,
  q5_0,
  q8_0,
  q4_k,
  q5_k,
  q6_k
};

std::string_view dtype_name(Dtype dtype);  // as the formats write it: "BF16", "Q4_K"

// The dtype that safetensors calls so; none for blocks, which it does not know.
std::optional<Dtype> find_dtype(std::string_view safetensors_name);

// Numbers in a block, and the bytes it takes; 1 and the number's own bytes for plain dtypes.
std::size_t block_elements(Dtype dtype);
std::size_t block_bytes(Dtype dtype);
// Of a plain dtype.
std::size_t dtype_bytes(Dtype dtype);

bool is_block(Dtype dtype);   // q4_0 and so on
bool is_float8(Dtype dtype);  // f8_e4m3, f8_e5m2

// More than any tensor of any model has; keeps shapes printable.
inline constexpr std::size_t kTensorMaxDimensions = 8;

// Sizes are at least 0. None where the bytes cannot be counted, or the numbers fill no whole
// blocks.
std::optional<std::uint64_t> count_bytes(Dtype dtype, const std::vector<std::int64_t>& shape);

// "[3072, 64]"; a size of -1 is "any".
std::string shape_text(const std::vector<std::int64_t>& shape);

// Names come from strangers: quoted, cut, and without control characters, before they are shown.
std::string shown_name(std::string_view name);

}  // namespace pirouette::flux
