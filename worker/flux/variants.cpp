#include "worker/flux/variants.h"

#include <utility>

#include "worker/flux/lora_merge.h"

#ifdef PIROUETTE_CUDA
#include "worker/flux/cuda/host_copies.h"
#endif

namespace pirouette::flux {
namespace {

// Tensors merged in place at a time. Each is read, changed and written before the next ones, so
// that the host never holds a second model; a file's header is read once for all of them.
constexpr std::size_t kTensorsAtOnce = 16;

// A copy of its own, whatever it is a view of.
Tensor own(const Tensor& tensor, at::ScalarType dtype, at::Device device) {
  const auto type = tensor.is_floating_point() ? dtype : tensor.scalar_type();
  return tensor.to(device, type, /*non_blocking=*/false, /*copy=*/true);
}

Tensors own_all(Tensors tensors, at::ScalarType dtype, at::Device device) {
#ifdef PIROUETTE_CUDA
  if (device.is_cuda()) {
    for (auto& [name, tensor] : tensors)
      if (tensor.is_cuda()) tensor = own(tensor, dtype, device);
    return cuda::move_to_device(std::move(tensors), dtype, device);
  }
#endif
  for (auto& [name, tensor] : tensors) tensor = own(tensor, dtype, device);
  return tensors;
}

// Page-locked where a device reads it directly.
Tensors keep_on_host(Tensors tensors, at::ScalarType dtype, [[maybe_unused]] at::Device device) {
#ifdef PIROUETTE_CUDA
  if (device.is_cuda()) return cuda::copy_to_pinned(tensors, dtype);
#endif
  return own_all(std::move(tensors), dtype, at::kCPU);
}

}  // namespace

Result<Variants> Variants::load(Weights weights, const RopeAxes& axes, at::ScalarType dtype,
                                at::Device device, PristineAt at, ReadPristine read) {
  const at::NoGradGuard no_grad;
  Variants variants;
  variants.at_ = at;
  variants.dtype_ = dtype;
  variants.device_ = device;
  variants.axes_ = axes;
  variants.source_ = weights.source();
  variants.read_ = std::move(read);
  Tensors tensors;
  if (at == PristineAt::host) variants.pristine_ = keep_on_host(weights.tensors(), dtype, device);
  if (at == PristineAt::device) {
    tensors = std::move(weights).to(dtype, device).tensors();
  } else {
    tensors = own_all(weights.tensors(), dtype, device);  // they will be written to
  }
  Transformer transformer = TRY(Transformer::load(Weights(tensors, variants.source_), axes));
  variants.base_.emplace(Variant{std::move(tensors), std::move(transformer)});
  variants.selected_ = "";
  return variants;
}

bool Variants::contains(const std::string& key) const {
  if (at_ == PristineAt::device) return key.empty() || merged_.contains(key);
  return selected_ == key;
}

const Transformer* Variants::find_selected() const {
  if (!selected_) return nullptr;
  const auto merged = merged_.find(*selected_);
  return merged == merged_.end() ? &base_->transformer : &merged->second.transformer;
}

const Tensors& Variants::tensors() const {
  PIROUETTE_CHECK(selected_);
  const auto merged = merged_.find(*selected_);
  return merged == merged_.end() ? base_->tensors : merged->second.tensors;
}

Result<std::uint64_t> Variants::bytes_to_merge(const std::vector<ScaledLora>& loras) const {
  const MergePlan plan = TRY(plan_merge(loras, LoraModel::transformer, base_->tensors));
  std::uint64_t bytes = 0;
  for (const auto& [name, changes] : plan) bytes += base_->tensors.at(name).nbytes();
  return at_ == PristineAt::device ? bytes : 0;
}

Result<void> Variants::select(const std::string& key, const std::vector<ScaledLora>& loras) {
  const at::NoGradGuard no_grad;
  if (contains(key)) {
    selected_ = key;
    return {};
  }
  if (at_ != PristineAt::device) {
    TRY(merge_in_place(loras));
  } else {
    Tensors tensors = TRY(merge_loras(base_->tensors, loras));
    Transformer transformer = TRY(Transformer::load(Weights(tensors, source_), axes_));
    merged_.insert_or_assign(key, Variant{std::move(tensors), std::move(transformer)});
  }
  selected_ = key;
  return {};
}

void Variants::drop(const std::string& key) {
  if (selected_ == key && merged_.contains(key)) selected_ = "";
  merged_.erase(key);
}

void Variants::drop_others() {
  PIROUETTE_CHECK(selected_);
  std::erase_if(merged_, [&](const auto& entry) { return entry.first != *selected_; });
}

Result<Tensors> Variants::read_pristine(const std::set<std::string>& names) const {
  if (at_ == PristineAt::file) return read_(names);
  Tensors tensors;
  for (const std::string& name : names) tensors.emplace(name, pristine_.at(name));
  return tensors;
}

// What the last variant changed becomes pristine again, what this one changes is made from
// pristine. Until that is done nothing is selected, so that a half of it never renders.
Result<void> Variants::merge_in_place(const std::vector<ScaledLora>& loras) {
  Tensors& device = base_->tensors;
  const MergePlan plan = TRY(plan_merge(loras, LoraModel::transformer, device));
  std::set<std::string> wanted;
  for (const auto& [name, changes] : plan) wanted.insert(name);
  std::set<std::string> to_write = changed_;
  to_write.insert(wanted.begin(), wanted.end());
  selected_.reset();
  changed_ = to_write;
  while (!to_write.empty()) {
    std::set<std::string> now;
    while (!to_write.empty() && now.size() < kTensorsAtOnce)
      now.insert(to_write.extract(to_write.begin()));
    const Tensors found = TRY(read_pristine(now));
    if (found.size() != now.size())
      return Error{Errc::corrupt, source_ +
                                      ": tensors are gone that were there when the model was "
                                      "loaded; start the worker again"};
    for (const auto& [name, pristine] : found) {
      const Tensor& weight = device.at(name);
      if (pristine.sizes() != weight.sizes())
        return Error{Errc::corrupt, source_ + ": tensor \"" + name +
                                        "\" has another shape than when the model was loaded"};
      const Tensor fresh = pristine.to(device_, dtype_);
      const auto changes = plan.find(name);
      weight.copy_(changes == plan.end()
                       ? fresh
                       : merge(fresh, changes->second, width_of(changes->second, device)));
    }
  }
  changed_ = wanted;
  return {};
}

}  // namespace pirouette::flux
