#include "worker/flux/text_embedding_bytes.h"

#include <cstring>

#include "worker/flux/storage/safetensors.h"

namespace pirouette::flux {
namespace {

constexpr const char* kSequence = "sequence";
constexpr const char* kPooled = "pooled";

Dtype stored_dtype(const Tensor& tensor) {
  PIROUETTE_CHECK(tensor.scalar_type() == at::kFloat || tensor.scalar_type() == at::kBFloat16);
  return tensor.scalar_type() == at::kFloat ? Dtype::f32 : Dtype::bf16;
}

Result<Tensor> find_tensor(std::span<const std::uint8_t> bytes, const SafetensorsHeader& header,
                           const char* name, std::size_t dimensions) {
  for (const TensorEntry& entry : header.entries) {
    const bool is_known = entry.dtype == Dtype::f32 || entry.dtype == Dtype::bf16;
    if (entry.name != name || !is_known || entry.shape.size() != dimensions) continue;
    Tensor tensor = at::empty(entry.shape, entry.dtype == Dtype::f32 ? at::kFloat : at::kBFloat16);
    std::memcpy(tensor.data_ptr(), bytes.data() + entry.begin, entry.end - entry.begin);
    return tensor;
  }
  return Error{Errc::corrupt, std::string("the text embedding has no ") + name};
}

}  // namespace

std::vector<std::uint8_t> format_text_embedding(const TextEmbedding& embedding) {
  const Tensor sequence = embedding.sequence.cpu().contiguous();
  const Tensor pooled = embedding.pooled.cpu().contiguous();
  const auto named = [](const char* name, const Tensor& tensor) {
    return NamedBytes{name,
                      stored_dtype(tensor),
                      tensor.sizes().vec(),
                      {static_cast<const std::uint8_t*>(tensor.data_ptr()), tensor.nbytes()}};
  };
  return format_safetensors({named(kSequence, sequence), named(kPooled, pooled)}, {});
}

Result<TextEmbedding> parse_text_embedding(std::span<const std::uint8_t> bytes) {
  const SafetensorsHeader header = TRY(parse_safetensors(bytes));
  return TextEmbedding{TRY(find_tensor(bytes, header, kSequence, 3)),
                       TRY(find_tensor(bytes, header, kPooled, 2))};
}

}  // namespace pirouette::flux
