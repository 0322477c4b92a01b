#include "worker/train/parameters.h"

#include <cmath>

namespace pirouette::train {

Tensor Parameters::add(std::string name, const Tensor& value, at::ScalarType computed_in) {
  const at::NoGradGuard no_grad;
  Parameter parameter;
  parameter.name = std::move(name);
  const auto learnt_in = computed_in == at::kDouble ? at::kDouble : at::kFloat;
  parameter.learnt = value.to(learnt_in, /*non_blocking=*/false, /*copy=*/true);
  parameter.used =
      parameter.learnt.to(computed_in, /*non_blocking=*/false, /*copy=*/true).requires_grad_(true);
  parameter.gradient = at::zeros_like(parameter.learnt);
  return all_.emplace_back(std::move(parameter)).used;
}

void Parameters::add_all(std::string_view prefix, Tensors& tensors, at::ScalarType computed_in) {
  for (auto& [name, tensor] : tensors)
    if (tensor.is_floating_point()) tensor = add(std::string(prefix) + name, tensor, computed_in);
}

void Parameters::collect(double share) {
  const at::NoGradGuard no_grad;
  for (Parameter& parameter : all_) {
    const Tensor& grad = parameter.used.grad();
    if (!grad.defined()) continue;  // nothing of this micro-batch went through it
    parameter.gradient.add_(grad.to(parameter.gradient.scalar_type()), share);
    parameter.used.mutable_grad() = Tensor();
  }
}

double Parameters::clip(double most) {
  const at::NoGradGuard no_grad;
  std::vector<Tensor> norms;
  for (const Parameter& parameter : all_) norms.push_back(parameter.gradient.norm());
  const double norm = at::stack(norms).norm().item<double>();
  // PyTorch's clip_grad_norm_ divides by a little more, too.
  if (most > 0 && norm > most)
    for (Parameter& parameter : all_) parameter.gradient.mul_(most / (norm + 1e-6));
  return norm;
}

void Parameters::forget_gradients() {
  for (Parameter& parameter : all_) parameter.gradient.zero_();
}

void Parameters::publish() {
  const at::NoGradGuard no_grad;
  for (Parameter& parameter : all_) parameter.used.copy_(parameter.learnt);
}

void Parameters::publish(const std::vector<Tensor>& values) {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < all_.size(); ++i) all_[i].used.copy_(values[i]);
}

Tensors Parameters::learnt() const {
  Tensors tensors;
  for (const Parameter& parameter : all_) tensors.emplace(parameter.name, parameter.learnt);
  return tensors;
}

std::int64_t Parameters::count() const {
  std::int64_t count = 0;
  for (const Parameter& parameter : all_) count += parameter.learnt.numel();
  return count;
}

}  // namespace pirouette::train
