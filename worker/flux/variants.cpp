#include "worker/flux/variants.h"

#include <exception>
#include <utility>

#include "common/log.h"
#include "worker/flux/fp8.h"

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

// To render from: what cannot be locked crosses more slowly.
Tensors host_modulations(Tensors tensors, at::ScalarType dtype, at::Device device) {
  try {
    return keep_on_host(tensors, dtype, device);
  } catch (const std::exception& error) {
    log::warn("flux", std::string("modulations lie in pageable memory, and cross at a fraction of "
                                  "the bus's speed: ") +
                          error.what());
    return own_all(std::move(tensors), dtype, at::kCPU);
  }
}

Tensors take_modulations(Tensors& tensors) {
  Tensors modulations;
  for (const auto& [name, tensor] : tensors)
    if (is_modulation(name)) modulations.emplace(name, tensor);
  for (const auto& [name, tensor] : modulations) tensors.erase(name);
  return modulations;
}

// Scales stay float32, whatever the weights become.
Tensors split_scales(Tensors& tensors) {
  Tensors scales;
  for (const auto& [name, tensor] : tensors)
    if (tensor.scalar_type() == at::kByte)
      if (const auto found = tensors.find(scale_name(name)); found != tensors.end())
        scales.insert(*found);
  for (const auto& [name, tensor] : scales) tensors.erase(name);
  return scales;
}

void add_scales(Tensors& tensors, const Tensors& scales, at::Device device) {
  for (const auto& [name, scale] : scales) tensors.emplace(name, own(scale, at::kFloat, device));
}

void put_quantised(Tensors& tensors, const std::string& name, const Tensor& weight) {
  Fp8Rows rows = quantise_rows(weight);
  tensors.insert_or_assign(scale_name(name), std::move(rows.scales));
  tensors.insert_or_assign(name, std::move(rows.bytes));
}

// Those that become float8 are, the others are shared.
Tensors quantise_linears(const Tensors& tensors) {
  Tensors quantised;
  for (const auto& [name, tensor] : tensors) {
    if (tensor.is_floating_point() && becomes_fp8(name, tensor))
      put_quantised(quantised, name, tensor);
    else
      quantised.emplace(name, tensor);
  }
  return quantised;
}

// A part at a time, so that the device never holds the wide model.
Tensors own_quantised(Tensors tensors, at::ScalarType dtype, at::Device device) {
  constexpr std::size_t kBytesAtOnce = std::size_t{1} << 30;
  const Tensors scales = split_scales(tensors);
  Tensors quantised;
  while (!tensors.empty()) {
    Tensors some;
    for (std::size_t bytes = 0; !tensors.empty() && bytes < kBytesAtOnce;) {
      bytes += tensors.begin()->second.nbytes();
      some.insert(tensors.extract(tensors.begin()));
    }
    quantised.merge(quantise_linears(own_all(std::move(some), dtype, device)));
  }
  add_scales(quantised, scales, device);
  return quantised;
}

// As numbers to merge into, whatever it is kept as.
Tensor wide_weight(const Tensors& tensors, const std::string& name, at::ScalarType dtype,
                   at::Device device) {
  const Tensor there = tensors.at(name).to(device);
  if (there.scalar_type() != at::kByte) return there.to(dtype);
  return widen_rows({there, tensors.at(scale_name(name)).to(device)}, dtype);
}

}  // namespace

bool is_modulation(const std::string& name) {
  const bool in_block = name.starts_with("double_blocks.") || name.starts_with("single_blocks.");
  return in_block &&
         (name.ends_with("_mod.lin.weight") || name.ends_with(".modulation.lin.weight"));
}

Result<Variants> Variants::load(Weights weights, const RopeAxes& axes, at::ScalarType dtype,
                                at::Device device, PristineAt at, ReadPristine read,
                                WeightsForm form) {
  const at::NoGradGuard no_grad;
  Variants variants;
  variants.at_ = at;
  variants.dtype_ = dtype;
  variants.device_ = device;
  variants.axes_ = axes;
  variants.source_ = weights.source();
  variants.read_ = std::move(read);
  variants.fp8_ = form.fp8;
  Tensors tensors = weights.tensors();
  if (at != PristineAt::file) {
    Tensors kept = tensors;
    const Tensors scales = split_scales(kept);
    const bool on_device = at == PristineAt::device;
    kept = on_device ? Weights(std::move(kept), variants.source_).to(dtype, device).tensors()
                     : keep_on_host(std::move(kept), dtype, device);
    add_scales(kept, scales, on_device ? device : at::Device(at::kCPU));
    variants.pristine_ = std::move(kept);
  }
  if (at == PristineAt::device) {
    tensors = form.fp8 ? quantise_linears(variants.pristine_) : std::move(variants.pristine_);
  } else {  // they will be written to
    Tensors modulations = form.modulations_on_host ? take_modulations(tensors) : Tensors();
    tensors = form.fp8 ? own_quantised(std::move(tensors), dtype, device)
                       : own_all(std::move(tensors), dtype, device);
    if (!modulations.empty())
      tensors.merge(host_modulations(std::move(modulations), dtype, device));
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
    Tensors tensors = TRY(fp8_ ? merge_beside(loras) : merge_loras(base_->tensors, loras));
    Transformer transformer = TRY(Transformer::load(Weights(tensors, source_), axes_));
    merged_.insert_or_assign(key, Variant{std::move(tensors), std::move(transformer)});
  }
  selected_ = key;
  return {};
}

// In float8: what the LoRAs change is merged wide, from pristine, and quantised.
Result<Tensors> Variants::merge_beside(const std::vector<ScaledLora>& loras) const {
  const MergePlan plan = TRY(plan_merge(loras, LoraModel::transformer, base_->tensors));
  Tensors merged = base_->tensors;
  for (const auto& [name, changes] : plan) {
    const Tensor weight = merge(wide_weight(pristine_, name, dtype_, device_), changes,
                                width_of(changes, base_->tensors));
    if (merged.at(name).scalar_type() == at::kByte)
      put_quantised(merged, name, weight);
    else
      merged.insert_or_assign(name, weight);
  }
  return merged;
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
  for (const std::string& name : names) {
    tensors.emplace(name, pristine_.at(name));
    if (const auto scales = pristine_.find(scale_name(name)); scales != pristine_.end())
      tensors.insert(*scales);
  }
  return tensors;
}

// One tensor of the device: pristine, or with its changes merged in.
void Variants::write(const std::string& name, const Tensors& pristine,
                     const std::vector<ScaledChange>* changes) {
  const Tensor& weight = base_->tensors.at(name);
  const bool is_fp8 = weight.scalar_type() == at::kByte;
  if (is_fp8 && changes == nullptr && pristine.at(name).scalar_type() == at::kByte) {
    weight.copy_(pristine.at(name));
    base_->tensors.at(scale_name(name)).copy_(pristine.at(scale_name(name)));
    return;
  }
  Tensor fresh = wide_weight(pristine, name, dtype_, device_);
  if (changes != nullptr) fresh = merge(fresh, *changes, width_of(*changes, base_->tensors));
  if (!is_fp8) {
    weight.copy_(fresh);
    return;
  }
  const Fp8Rows rows = quantise_rows(fresh);
  weight.copy_(rows.bytes);
  base_->tensors.at(scale_name(name)).copy_(rows.scales);
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
    for (const std::string& name : now) {
      const auto pristine = found.find(name);
      if (pristine == found.end())
        return Error{Errc::corrupt, source_ +
                                        ": tensors are gone that were there when the model was "
                                        "loaded; start the worker again"};
      if (pristine->second.sizes() != device.at(name).sizes())
        return Error{Errc::corrupt, source_ + ": tensor \"" + name +
                                        "\" has another shape than when the model was loaded"};
      const auto changes = plan.find(name);
      write(name, found, changes == plan.end() ? nullptr : &changes->second);
    }
  }
  changed_ = wanted;
  return {};
}

}  // namespace pirouette::flux
