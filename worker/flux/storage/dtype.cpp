#include "worker/flux/storage/dtype.h"

#include <algorithm>
#include <array>

#include "common/result.h"

namespace pirouette::flux {
namespace {

struct Row {
  Dtype dtype;
  std::string_view name;
  std::size_t elements, bytes;  // of a block
};

// Blocks: ggml's ggml-common.h (block_q4_0 …).
constexpr std::array kRows = std::to_array<Row>({
    {Dtype::f64, "F64", 1, 8},
    {Dtype::f32, "F32", 1, 4},
    {Dtype::f16, "F16", 1, 2},
    {Dtype::bf16, "BF16", 1, 2},
    {Dtype::f8_e4m3, "F8_E4M3", 1, 1},
    {Dtype::f8_e5m2, "F8_E5M2", 1, 1},
    {Dtype::i64, "I64", 1, 8},
    {Dtype::i32, "I32", 1, 4},
    {Dtype::i16, "I16", 1, 2},
    {Dtype::i8, "I8", 1, 1},
    {Dtype::u8, "U8", 1, 1},
    {Dtype::boolean, "BOOL", 1, 1},
    {Dtype::q4_0, "Q4_0", 32, 18},
    {Dtype::q5_0, "Q5_0", 32, 22},
    {Dtype::q8_0, "Q8_0", 32, 34},
    {Dtype::q4_k, "Q4_K", 256, 144},
    {Dtype::q5_k, "Q5_K", 256, 176},
    {Dtype::q6_k, "Q6_K", 256, 210},
});

const Row& row(Dtype dtype) {
  const auto found = std::ranges::find(kRows, dtype, &Row::dtype);
  PIROUETTE_CHECK(found != kRows.end());
  return *found;
}

}  // namespace

std::string_view dtype_name(Dtype dtype) { return row(dtype).name; }

std::optional<Dtype> find_dtype(std::string_view name) {
  const auto found = std::ranges::find(kRows, name, &Row::name);
  if (found == kRows.end() || found->elements > 1) return std::nullopt;
  return found->dtype;
}

std::size_t block_elements(Dtype dtype) { return row(dtype).elements; }
std::size_t block_bytes(Dtype dtype) { return row(dtype).bytes; }

std::size_t dtype_bytes(Dtype dtype) {
  PIROUETTE_CHECK(!is_block(dtype));
  return row(dtype).bytes;
}

bool is_block(Dtype dtype) { return row(dtype).elements > 1; }
bool is_float8(Dtype dtype) { return dtype == Dtype::f8_e4m3 || dtype == Dtype::f8_e5m2; }

std::optional<std::uint64_t> count_bytes(Dtype dtype, const std::vector<std::int64_t>& shape) {
  std::uint64_t elements = 1, bytes = 0;
  for (const std::int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(elements, static_cast<std::uint64_t>(size), &elements))
      return std::nullopt;
  if (elements % block_elements(dtype) != 0 ||
      __builtin_mul_overflow(elements / block_elements(dtype), block_bytes(dtype), &bytes))
    return std::nullopt;
  return bytes;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t size : shape)
    text += (text.size() > 1 ? ", " : "") + (size < 0 ? "any" : std::to_string(size));
  return text + ']';
}

std::string shown_name(std::string_view name) {
  constexpr std::size_t kShownMaxBytes = 120;
  std::string text(name.substr(0, kShownMaxBytes));
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return '"' + text + (name.size() > kShownMaxBytes ? "…\"" : "\"");
}

}  // namespace pirouette::flux
