#include "worker/flux/part_weights.h"

#include <utility>

#include "worker/flux/diffusers_layout.h"

namespace pirouette::flux {
namespace {

bool is_text_encoder(PartKind kind) { return kind == PartKind::clip || kind == PartKind::t5; }

Result<Weights> canonical(const Part& part, Weights weights) {
  if (part.kind == PartKind::transformer && part.naming == Naming::diffusers)
    return canonical_transformer(std::move(weights));
  // Black Forest Labs' own autoencoder has nothing to rename, but some exports keep its attention
  // as Linear.
  if (part.kind == PartKind::autoencoder) return canonical_autoencoder(std::move(weights));
  return weights;
}

}  // namespace

Result<Weights> load_part(const Part& part, at::ScalarType dtype, at::Device device) {
  Weights weights(read_tensors(part.file.tensors, dtype), part.file.path.string());
  weights = is_text_encoder(part.kind) ? std::move(weights).to(device)
                                       : std::move(weights).to(dtype, device);
  return canonical(part, std::move(weights));
}

// Rows that are joined under diffusers' names are joined wide.
Result<Weights> open_part(const Part& part, at::ScalarType decoded, bool keeps_fp8) {
  const bool keeps = keeps_fp8 && part.naming == Naming::black_forest_labs;
  return canonical(
      part, Weights(read_tensors(part.file.tensors, decoded, keeps), part.file.path.string()));
}

Part some_of(const Part& part, const std::set<std::string>& names) {
  Part some = part;
  std::erase_if(some.file.tensors, [&](const auto& entry) {
    const std::string& name = entry.first;
    return !names.contains(part.naming == Naming::diffusers ? canonical_name(name) : name);
  });
  return some;
}

Result<Weights> outline_part(const Part& part, at::ScalarType dtype) {
  return canonical(part,
                   Weights(outline_tensors(part.file.tensors, dtype), part.file.path.string()));
}

}  // namespace pirouette::flux
