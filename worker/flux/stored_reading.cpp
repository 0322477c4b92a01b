#include "worker/flux/stored_reading.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "worker/flux/fp8.h"
#include "worker/flux/storage/gguf_blocks.h"
#include "worker/flux/storage/small_floats.h"

namespace pirouette::flux {
namespace {

// Numbers that one task decodes: a megabyte of float32, so that tasks are cheap to hand out.
constexpr int64_t kGrain = 1 << 18;

std::optional<at::ScalarType> scalar_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
      return at::kDouble;
    case Dtype::f32:
      return at::kFloat;
    case Dtype::f16:
      return at::kHalf;
    case Dtype::bf16:
      return at::kBFloat16;
    case Dtype::i64:
      return at::kLong;
    case Dtype::i32:
      return at::kInt;
    case Dtype::i16:
      return at::kShort;
    case Dtype::i8:
      return at::kChar;
    case Dtype::u8:
      return at::kByte;
    case Dtype::boolean:
      return at::kBool;
    default:
      return std::nullopt;
  }
}

Tensor view(const StoredTensor& stored, at::ScalarType type) {
  if (stored.begin == stored.end) return at::empty(stored.shape, type);
  std::uint8_t* bytes = stored.mapping->at(stored.begin);
  if (reinterpret_cast<std::uintptr_t>(bytes) % dtype_bytes(stored.dtype) == 0)
    return at::from_blob(
        bytes, stored.shape, [mapping = stored.mapping](void*) {}, type);
  // Some writers do not pad the header; such tensors are copied into place.
  Tensor copy = at::empty(stored.shape, type);
  std::memcpy(copy.data_ptr(), bytes, stored.end - stored.begin);
  return copy;
}

// A byte has 256 meanings, so scale and rounding are done once for each of them and row.
template <typename T>
void decode_float8(const StoredTensor& stored, T* out, int64_t count) {
  const std::array<float, 256> values = float8_values(stored.dtype);
  const std::uint8_t* bytes = stored.bytes().data();
  const auto decode = [&](int64_t begin, int64_t end, float scale) {
    std::array<T, 256> meanings;
    for (std::size_t i = 0; i < meanings.size(); ++i)
      meanings[i] = static_cast<T>(values[i] * scale);
    for (int64_t i = begin; i < end; ++i) out[i] = meanings[bytes[i]];
  };
  if (stored.scales.size() <= 1) {
    const float scale = stored.scales.empty() ? 1.0f : stored.scales[0];
    at::parallel_for(0, count, kGrain,
                     [&](int64_t begin, int64_t end) { decode(begin, end, scale); });
    return;
  }
  const auto rows = static_cast<int64_t>(stored.scales.size());
  const int64_t width = count / rows;
  at::parallel_for(0, rows, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, width)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t row = begin; row < end; ++row)
                       decode(row * width, (row + 1) * width,
                              stored.scales[static_cast<std::size_t>(row)]);
                   });
}

template <typename T>
void decode_blocks(const StoredTensor& stored, T* out, int64_t count) {
  const auto elements = static_cast<int64_t>(block_elements(stored.dtype));
  const std::size_t bytes = block_bytes(stored.dtype);
  at::parallel_for(0, count / elements, kGrain / elements, [&](int64_t begin, int64_t end) {
    std::vector<float> block(static_cast<std::size_t>(elements));
    for (int64_t i = begin; i < end; ++i) {
      dequantise(stored.dtype, stored.bytes().subspan(static_cast<std::size_t>(i) * bytes, bytes),
                 block);
      std::transform(block.begin(), block.end(), out + i * elements,
                     [](float value) { return static_cast<T>(value); });
    }
  });
}

template <typename T>
void decode(const StoredTensor& stored, Tensor& out) {
  if (is_float8(stored.dtype))
    decode_float8(stored, out.data_ptr<T>(), out.numel());
  else
    decode_blocks(stored, out.data_ptr<T>(), out.numel());
}

Tensor decode(const StoredTensor& stored, at::ScalarType type) {
  Tensor out = at::empty(stored.shape, type);
  switch (type) {
    case at::kFloat:
      decode<float>(stored, out);
      break;
    case at::kBFloat16:
      decode<at::BFloat16>(stored, out);
      break;
    case at::kHalf:
      decode<at::Half>(stored, out);
      break;
    default:
      PIROUETTE_CHECK(type == at::kFloat);
  }
  return out;
}

// One a row, however many are stored.
Tensor row_scales(const StoredTensor& stored) {
  const Tensor scales = at::ones({stored.shape.front()}, at::kFloat);
  if (stored.scales.size() == 1) scales.fill_(stored.scales.front());
  if (stored.scales.size() > 1) std::ranges::copy(stored.scales, scales.data_ptr<float>());
  return scales;
}

// A scaled weight that is not float8: some converters scale what they then leave wide.
Tensor scale(const StoredTensor& stored, const Tensor& weight, at::ScalarType type) {
  Tensor scales = at::empty({static_cast<int64_t>(stored.scales.size())}, at::kFloat);
  std::ranges::copy(stored.scales, scales.data_ptr<float>());
  if (scales.numel() > 1)
    for (int64_t i = 1; i < weight.dim(); ++i) scales = scales.unsqueeze(-1);
  return (weight.to(at::kFloat) * scales).to(type);
}

}  // namespace

Tensors read_tensors(const StoredTensors& stored, at::ScalarType decoded, bool keeps_fp8) {
  Tensors tensors;
  for (const auto& [name, one] : stored) {
    const auto type = scalar_type(one.dtype);
    if (keeps_fp8 && one.dtype == Dtype::f8_e4m3) {
      const Tensor bytes = view(one, at::kByte);
      if (becomes_fp8(name, bytes)) {
        tensors.emplace(name, bytes);
        tensors.emplace(scale_name(name), row_scales(one));
        continue;
      }
    }
    if (!type)
      tensors.emplace(name, decode(one, decoded));
    else if (one.scales.empty())
      tensors.emplace(name, view(one, *type));
    else
      tensors.emplace(name, scale(one, view(one, *type), decoded));
  }
  return tensors;
}

Tensors outline_tensors(const StoredTensors& stored, at::ScalarType decoded) {
  Tensors tensors;
  for (const auto& [name, one] : stored)
    tensors.emplace(
        name,
        at::empty(one.shape,
                  at::TensorOptions(scalar_type(one.dtype).value_or(decoded)).device(at::kMeta)));
  return tensors;
}

}  // namespace pirouette::flux
