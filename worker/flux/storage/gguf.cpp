#include "worker/flux/storage/gguf.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace pirouette::flux {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint32_t kVersionMin = 2, kVersionMax = 3;
constexpr std::uint64_t kAlignmentDefault = 32;
constexpr std::uint64_t kAlignmentMax = 1u << 20;
constexpr std::string_view kOriginalShape = "comfy.gguf.orig_shape.";

// gguf_type of ggml's gguf.h.
enum class ValueType : std::uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  text,
  array,
  u64,
  i64,
  f64
};

// ggml_type of ggml's ggml.h: those that are read.
struct TypeRow {
  std::uint32_t number;
  Dtype dtype;
};
constexpr std::array kTypes = std::to_array<TypeRow>({{0, Dtype::f32},
                                                      {1, Dtype::f16},
                                                      {2, Dtype::q4_0},
                                                      {6, Dtype::q5_0},
                                                      {8, Dtype::q8_0},
                                                      {12, Dtype::q4_k},
                                                      {13, Dtype::q5_k},
                                                      {14, Dtype::q6_k},
                                                      {24, Dtype::i8},
                                                      {25, Dtype::i16},
                                                      {26, Dtype::i32},
                                                      {27, Dtype::i64},
                                                      {28, Dtype::f64},
                                                      {30, Dtype::bf16}});

// What the others are called, by number.
constexpr std::array<std::string_view, 40> kTypeNames = {
    "F32",   "F16",        "Q4_0",       "Q4_1",       "Q4_2",     "Q4_3",     "Q5_0",
    "Q5_1",  "Q8_0",       "Q8_1",       "Q2_K",       "Q3_K",     "Q4_K",     "Q5_K",
    "Q6_K",  "Q8_K",       "IQ2_XXS",    "IQ2_XS",     "IQ3_XXS",  "IQ1_S",    "IQ4_NL",
    "IQ3_S", "IQ2_S",      "IQ4_XS",     "I8",         "I16",      "I32",      "I64",
    "F64",   "IQ1_M",      "BF16",       "Q4_0_4_4",   "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",
    "TQ2_0", "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4"};

Error corrupt(std::string what) { return {Errc::corrupt, std::move(what)}; }
Error cut_off() {
  return corrupt("the file ends inside its GGUF header: it is cut off; get it again");
}
Error broken(std::string_view name, const std::string& what) {
  return corrupt("tensor " + shown_name(name) + " " + what);
}

// Takes values from the front of the header; never beyond its end.
class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  template <typename T>
  Result<T> take() {
    T value{};
    if (bytes_.size() - at_ < sizeof value) return cut_off();
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }

  Result<std::string> take_text() {
    const auto length = TRY(take<std::uint64_t>());
    if (bytes_.size() - at_ < length) return cut_off();
    std::string text(reinterpret_cast<const char*>(bytes_.data() + at_), length);
    at_ += length;
    return text;
  }

  Result<void> skip(std::uint64_t count, std::uint64_t size) {
    std::uint64_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes_.size() - at_ < bytes)
      return cut_off();
    at_ += bytes;
    return {};
  }

  std::uint64_t at() const { return at_; }
  std::uint64_t left() const { return bytes_.size() - at_; }

 private:
  std::span<const std::uint8_t> bytes_;
  std::uint64_t at_ = 0;
};

// Bytes of a value; 0 for text and arrays, whose lengths stand in the file; none for no type.
std::optional<std::uint64_t> value_bytes(std::uint32_t type) {
  switch (static_cast<ValueType>(type)) {
    case ValueType::u8:
    case ValueType::i8:
    case ValueType::boolean:
      return 1;
    case ValueType::u16:
    case ValueType::i16:
      return 2;
    case ValueType::u32:
    case ValueType::i32:
    case ValueType::f32:
      return 4;
    case ValueType::u64:
    case ValueType::i64:
    case ValueType::f64:
      return 8;
    case ValueType::text:
    case ValueType::array:
      return 0;
  }
  return std::nullopt;
}

template <typename T>
Result<std::string> take_number(Reader& reader) {
  const T value = TRY(reader.take<T>());
  return std::to_string(value);
}

Result<std::string> take_scalar(Reader& reader, ValueType type) {
  switch (type) {
    case ValueType::u8:
    case ValueType::boolean:
      return take_number<std::uint8_t>(reader);
    case ValueType::i8:
      return take_number<std::int8_t>(reader);
    case ValueType::u16:
      return take_number<std::uint16_t>(reader);
    case ValueType::i16:
      return take_number<std::int16_t>(reader);
    case ValueType::u32:
      return take_number<std::uint32_t>(reader);
    case ValueType::i32:
      return take_number<std::int32_t>(reader);
    case ValueType::u64:
      return take_number<std::uint64_t>(reader);
    case ValueType::i64:
      return take_number<std::int64_t>(reader);
    case ValueType::f32:
      return take_number<float>(reader);
    case ValueType::f64:
      return take_number<double>(reader);
    case ValueType::text:
      return reader.take_text();
    case ValueType::array:
      break;
  }
  return corrupt("an array where the GGUF header needs one value");
}

using Shapes = std::map<std::string, std::vector<std::int64_t>>;

// The shape that a tensor had before a converter reshaped it to fill whole blocks.
Result<std::vector<std::int64_t>> take_original_shape(Reader& reader, const std::string& name,
                                                      std::uint32_t type, std::uint64_t count) {
  if (static_cast<ValueType>(type) != ValueType::i32 || count > kTensorMaxDimensions)
    return broken(name, "has an original shape that is not a few numbers");
  std::vector<std::int64_t> shape;
  for (std::uint64_t i = 0; i < count; ++i) shape.push_back(TRY(reader.take<std::int32_t>()));
  if (std::ranges::any_of(shape, [](std::int64_t size) { return size < 0; }))
    return broken(name, "has an original shape with a negative size");
  return shape;
}

// An array that no model needs: only its end matters.
Result<void> skip_array(Reader& reader, const std::string& key, std::uint32_t type,
                        std::uint64_t count) {
  const auto size = value_bytes(type);
  if (!size || static_cast<ValueType>(type) == ValueType::array)
    return corrupt("the GGUF key " + shown_name(key) + " is an array of something unknown");
  if (*size > 0) return reader.skip(count, *size);
  for (std::uint64_t i = 0; i < count; ++i) TRY(reader.skip(TRY(reader.take<std::uint64_t>()), 1));
  return {};
}

Result<void> take_key_value(Reader& reader, GgufHeader& header, Shapes& originals) {
  const std::string key = TRY(reader.take_text());
  const auto type = TRY(reader.take<std::uint32_t>());
  if (!value_bytes(type))
    return corrupt("the GGUF key " + shown_name(key) + " has the unknown type " +
                   std::to_string(type));
  if (static_cast<ValueType>(type) != ValueType::array) {
    const std::string value = TRY(take_scalar(reader, static_cast<ValueType>(type)));
    if (!header.metadata.emplace(key, value).second)
      return corrupt("the GGUF key " + shown_name(key) + " stands twice");
    return {};
  }
  const auto of = TRY(reader.take<std::uint32_t>());
  const auto count = TRY(reader.take<std::uint64_t>());
  if (!key.starts_with(kOriginalShape)) return skip_array(reader, key, of, count);
  const std::string name = key.substr(kOriginalShape.size());
  originals[name] = TRY(take_original_shape(reader, name, of, count));
  return {};
}

Result<Dtype> take_type(Reader& reader, const std::string& name) {
  const auto number = TRY(reader.take<std::uint32_t>());
  const auto found = std::ranges::find(kTypes, number, &TypeRow::number);
  if (found != kTypes.end()) return found->dtype;
  const std::string called = number < kTypeNames.size() ? std::string(kTypeNames[number])
                                                        : "type " + std::to_string(number);
  return Error{Errc::invalid, "tensor " + shown_name(name) + " is stored as " + called +
                                  ", which is not read; use a Q8_0, Q6_K, Q5_K, Q4_K, Q5_0, Q4_0 "
                                  "or F16 file of this model"};
}

// begin and end are counted from the start of the data.
Result<TensorEntry> take_tensor(Reader& reader, const Shapes& originals, std::uint64_t alignment) {
  TensorEntry tensor;
  tensor.name = TRY(reader.take_text());
  const auto dimensions = TRY(reader.take<std::uint32_t>());
  if (dimensions > kTensorMaxDimensions)
    return broken(tensor.name,
                  "has more than " + std::to_string(kTensorMaxDimensions) + " dimensions");
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    const auto size = TRY(reader.take<std::uint64_t>());
    if (size > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return broken(tensor.name, "has a shape too large to count");
    tensor.shape.insert(tensor.shape.begin(), static_cast<std::int64_t>(size));
  }
  tensor.dtype = TRY(take_type(reader, tensor.name));
  tensor.begin = TRY(reader.take<std::uint64_t>());
  const auto row = tensor.shape.empty() ? 1 : static_cast<std::uint64_t>(tensor.shape.back());
  const auto bytes = count_bytes(tensor.dtype, tensor.shape);
  if (!bytes || row % block_elements(tensor.dtype) != 0)
    return broken(tensor.name, "has the shape " + shape_text(tensor.shape) +
                                   ", which is too large to count or does not fill whole blocks "
                                   "of " +
                                   std::string(dtype_name(tensor.dtype)));
  if (tensor.begin % alignment != 0) return broken(tensor.name, "does not begin where it may");
  if (__builtin_add_overflow(tensor.begin, *bytes, &tensor.end))
    return broken(tensor.name, "ends beyond any file");
  const auto original = originals.find(tensor.name);
  if (original != originals.end()) {
    if (count_bytes(tensor.dtype, original->second) != bytes)
      return broken(tensor.name, "has an original shape " + shape_text(original->second) +
                                     " of another size than its " + shape_text(tensor.shape));
    tensor.shape = original->second;
  }
  return tensor;
}

Result<std::uint64_t> find_alignment(const GgufHeader& header) {
  const auto found = header.metadata.find("general.alignment");
  if (found == header.metadata.end()) return kAlignmentDefault;
  std::uint64_t alignment = 0;
  for (const char digit : found->second) {
    if (digit < '0' || digit > '9' || alignment > kAlignmentMax)
      return corrupt("general.alignment is not a small number");
    alignment = alignment * 10 + static_cast<std::uint64_t>(digit - '0');
  }
  if (alignment == 0 || alignment > kAlignmentMax || (alignment & (alignment - 1)) != 0)
    return corrupt("general.alignment is not a power of two up to " +
                   std::to_string(kAlignmentMax));
  return alignment;
}

// Moves the entries to where the data begins, and sees that they lie in the file side by side.
Result<void> place(std::vector<TensorEntry>& entries, std::uint64_t data_begin,
                   std::uint64_t file_bytes) {
  std::ranges::sort(entries, [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  if (!entries.empty() && data_begin > file_bytes)  // also where no tensor has any bytes
    return corrupt("the file ends before its tensors begin: it is cut off; get it again");
  const std::uint64_t data_bytes = file_bytes - std::min(data_begin, file_bytes);
  const TensorEntry* before = nullptr;
  for (TensorEntry& tensor : entries) {
    if (tensor.end > data_bytes)
      return broken(tensor.name, "ends at byte " + std::to_string(tensor.end) + " of " +
                                     std::to_string(data_bytes) +
                                     ": the file is cut off; get it again");
    if (before != nullptr && tensor.begin < before->end - data_begin)
      return broken(tensor.name, "overlaps tensor " + shown_name(before->name));
    tensor.begin += data_begin;
    tensor.end += data_begin;
    before = &tensor;
  }
  std::vector<std::string_view> names;
  for (const TensorEntry& tensor : entries) names.push_back(tensor.name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  if (twice != names.end()) return broken(*twice, "stands twice in the header");
  return {};
}

}  // namespace

bool is_gguf(std::span<const std::uint8_t> file) {
  return file.size() >= kMagic.size() &&
         std::memcmp(file.data(), kMagic.data(), kMagic.size()) == 0;
}

Result<GgufHeader> parse_gguf(std::span<const std::uint8_t> file) {
  if (!is_gguf(file)) return corrupt("the file does not begin with GGUF");
  Reader reader(file.first(std::min<std::uint64_t>(file.size(), kGgufHeaderMaxBytes)));
  TRY(reader.skip(kMagic.size(), 1));
  const auto version = TRY(reader.take<std::uint32_t>());
  if (version < kVersionMin || version > kVersionMax)
    return Error{Errc::invalid, "this is GGUF version " + std::to_string(version) + "; versions " +
                                    std::to_string(kVersionMin) + " and " +
                                    std::to_string(kVersionMax) + " are read"};
  const auto tensors = TRY(reader.take<std::uint64_t>());
  const auto key_values = TRY(reader.take<std::uint64_t>());
  GgufHeader header;
  Shapes originals;
  for (std::uint64_t i = 0; i < key_values; ++i) TRY(take_key_value(reader, header, originals));
  const std::uint64_t alignment = TRY(find_alignment(header));
  for (std::uint64_t i = 0; i < tensors; ++i)
    header.entries.push_back(TRY(take_tensor(reader, originals, alignment)));
  const std::uint64_t data_begin = (reader.at() + alignment - 1) / alignment * alignment;
  TRY(place(header.entries, data_begin, file.size()));
  return header;
}

}  // namespace pirouette::flux
