#include "worker/flux/checkpoint.h"

#include <optional>
#include <utility>
#include <vector>

#include "common/files.h"
#include "worker/flux/fp8.h"
#include "worker/flux/storage/safetensors.h"
#include "worker/flux/storage/scaled_weights.h"

#ifdef PIROUETTE_CUDA
#include "worker/flux/cuda/host_copies.h"
#endif

namespace pirouette::flux {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kNamesShown = 5;

std::optional<Dtype> stored_dtype(at::ScalarType type) {
  switch (type) {
    case at::kDouble:
      return Dtype::f64;
    case at::kFloat:
      return Dtype::f32;
    case at::kHalf:
      return Dtype::f16;
    case at::kBFloat16:
      return Dtype::bf16;
    case at::kLong:
      return Dtype::i64;
    case at::kInt:
      return Dtype::i32;
    case at::kShort:
      return Dtype::i16;
    case at::kChar:
      return Dtype::i8;
    case at::kByte:
      return Dtype::u8;
    case at::kBool:
      return Dtype::boolean;
    default:
      return std::nullopt;
  }
}

bool matches(at::IntArrayRef shape, at::IntArrayRef wanted) {
  if (shape.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (wanted[i] >= 0 && shape[i] != wanted[i]) return false;
  return true;
}

}  // namespace

Result<Tensor> Weights::take(const std::string& name, at::IntArrayRef shape) {
  const auto found = tensors_.find(name);
  if (found == tensors_.end())
    return Error{Errc::not_found, source_ + ": tensor \"" + name + "\" is missing"};
  if (!matches(found->second.sizes(), shape))
    return Error{Errc::invalid, source_ + ": tensor \"" + name + "\" has the shape " +
                                    shape_text(found->second.sizes().vec()) + " instead of " +
                                    shape_text(shape.vec())};
  Tensor tensor = std::move(found->second);
  tensors_.erase(found);
  return tensor;
}

Result<Linear> Weights::take_linear(const std::string& name, int64_t out, int64_t in) {
  Linear linear;
  linear.weight = TRY(take(name + ".weight", {out, in}));
  linear.bias = TRY(take(name + ".bias", {linear.weight.size(0)}));
  if (linear.weight.scalar_type() == at::kByte)
    linear.scales = TRY(take(scale_name(name + ".weight"), {linear.weight.size(0)}));
  if (auto adapters = adapters_.extract(name)) linear.adapters = std::move(adapters.mapped());
  return linear;
}

Result<Conv2d> Weights::take_conv(const std::string& name, int64_t out, int64_t in,
                                  int64_t kernel) {
  Conv2d conv;
  conv.weight = TRY(take(name + ".weight", {out, in, kernel, kernel}));
  conv.bias = TRY(take(name + ".bias", {conv.weight.size(0)}));
  return conv;
}

Result<GroupNorm> Weights::take_group_norm(const std::string& name, int64_t channels) {
  GroupNorm norm;
  norm.weight = TRY(take(name + ".weight", {channels}));
  norm.bias = TRY(take(name + ".bias", {norm.weight.size(0)}));
  return norm;
}

Result<void> Weights::finish() const {
  if (!adapters_.empty())
    return Error{Errc::invalid, source_ + ": there is no linear \"" + adapters_.begin()->first +
                                    "\" to adapt in this model"};
  if (tensors_.empty()) return {};
  std::string names;
  std::size_t shown = 0;
  for (const auto& [name, tensor] : tensors_) {
    if (shown++ == kNamesShown) break;
    names += (names.empty() ? "\"" : ", \"") + name + '"';
  }
  return Error{Errc::invalid, source_ + ": " + std::to_string(tensors_.size()) +
                                  " tensors have no place in this model: " + names +
                                  (tensors_.size() > kNamesShown ? ", …" : "")};
}

Weights Weights::to(at::ScalarType dtype, at::Device device) && {
#ifdef PIROUETTE_CUDA
  if (device.is_cuda()) {
    tensors_ = cuda::move_to_device(std::move(tensors_), dtype, device);
    return std::move(*this);
  }
#endif
  for (auto& [name, tensor] : tensors_)
    tensor = tensor.is_floating_point() ? tensor.to(device, dtype) : tensor.to(device);
  return std::move(*this);
}

Weights Weights::to(at::Device device) && {
  for (auto& [name, tensor] : tensors_) tensor = tensor.to(device);
  return std::move(*this);
}

Result<Checkpoint> load_checkpoint(const fs::path& path) {
  TensorFile file = TRY(join_scales(TRY(open_tensor_file(path))));
  return Checkpoint{read_tensors(file.tensors, at::kFloat), std::move(file.metadata)};
}

Result<Weights> load_weights(const fs::path& path) {
  return Weights(TRY(load_checkpoint(path)).tensors, path.string());
}

Result<void> save_safetensors(const fs::path& path, const Tensors& tensors,
                              const std::map<std::string, std::string>& metadata) {
  std::vector<Tensor> held;
  std::vector<NamedBytes> named;
  for (const auto& [name, tensor] : tensors) {
    const auto dtype = stored_dtype(tensor.scalar_type());
    PIROUETTE_CHECK(dtype);
    const Tensor& dense = held.emplace_back(tensor.cpu().contiguous());
    named.push_back({name,
                     *dtype,
                     dense.sizes().vec(),
                     {static_cast<const std::uint8_t*>(dense.data_ptr()), dense.nbytes()}});
  }
  return write_file_durably(path, format_safetensors(named, metadata));
}

}  // namespace pirouette::flux
