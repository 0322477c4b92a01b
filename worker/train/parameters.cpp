#include "worker/train/parameters.h"

namespace pirouette::train {
namespace {

// Numbers: each piece begins where vector instructions and tensor cores want it to.
constexpr std::int64_t kAlign = 64;

std::int64_t aligned(std::int64_t numbers) { return (numbers + kAlign - 1) / kAlign * kAlign; }

// The piece of a long tensor that stands for like, laid out as that is.
Tensor piece(const Tensor& of, const Tensor& like, std::int64_t at) {
  return of.as_strided(like.sizes(), like.strides(), at);
}

}  // namespace

Tensor Parameters::add(std::string name, const Tensor& value, at::ScalarType computed_in) {
  const at::NoGradGuard no_grad;
  PIROUETTE_CHECK(!learnt_all_.defined());
  Parameter parameter;
  parameter.name = std::move(name);
  const auto learnt_in = computed_in == at::kDouble ? at::kDouble : at::kFloat;
  const Tensor dense = value.is_non_overlapping_and_dense() ? value : value.contiguous();
  parameter.learnt = dense.to(learnt_in, /*non_blocking=*/false, /*copy=*/true);
  parameter.used =
      parameter.learnt.to(computed_in, /*non_blocking=*/false, /*copy=*/true).requires_grad_(true);
  parameter.gradient = at::zeros_like(parameter.learnt);
  return all_.emplace_back(std::move(parameter)).used;
}

void Parameters::add_all(std::string_view prefix, Tensors& tensors, at::ScalarType computed_in) {
  for (auto& [name, tensor] : tensors)
    if (tensor.is_floating_point()) tensor = add(std::string(prefix) + name, tensor, computed_in);
}

void Parameters::join() {
  if (learnt_all_.defined() || all_.empty()) return;
  const at::NoGradGuard no_grad;
  std::int64_t numbers = 0;
  for (const Parameter& parameter : all_) {
    const std::int64_t more = aligned(parameter.learnt.numel());
    const bool goes_on =
        !runs_.empty() && runs_.back().used.scalar_type() == parameter.used.scalar_type();
    if (!goes_on) runs_.push_back({numbers, 0, parameter.used, {}});
    runs_.back().numbers += more;
    places_.push_back(numbers);
    numbers += more;
  }
  const Parameter& first = all_.front();
  learnt_all_ = at::zeros({numbers}, first.learnt.options());
  gradient_all_ = at::zeros_like(learnt_all_);
  for (Run& run : runs_) {
    run.used = at::zeros({run.numbers}, run.used.options().requires_grad(false));
    run.grads = at::zeros_like(run.used);
  }
  auto run = runs_.begin();
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (places_[i] >= run->first + run->numbers) ++run;
    join(all_[i], places_[i], *run);
  }
}

// The model keeps its leaf: only what lies behind it moves.
void Parameters::join(Parameter& parameter, std::int64_t at, const Run& run) {
  const Tensor like = parameter.learnt;
  const Tensor learnt = piece(learnt_all_, like, at), gradient = piece(gradient_all_, like, at);
  const Tensor used = piece(run.used, like, at - run.first);
  const Tensor grad = piece(run.grads, like, at - run.first);
  learnt.copy_(parameter.learnt);
  gradient.copy_(parameter.gradient);
  used.copy_(parameter.used);
  if (parameter.used.grad().defined()) grad.copy_(parameter.used.grad());
  parameter.learnt = learnt;
  parameter.gradient = gradient;
  parameter.used.set_data(used);
  parameter.used.mutable_grad() = grad;
}

void Parameters::collect(double share) {
  const at::NoGradGuard no_grad;
  join();
  for (Run& run : runs_) {
    gradient_all_.slice(0, run.first, run.first + run.numbers)
        .add_(run.grads.to(gradient_all_.scalar_type()), share);
    run.grads.zero_();
  }
}

Tensor Parameters::clip(double most) {
  const at::NoGradGuard no_grad;
  join();
  const Tensor norm = gradient_all_.norm();
  // PyTorch's clip_grad_norm_ divides by a little more, too.
  if (most > 0) gradient_all_.mul_((most / (norm + 1e-6)).clamp_max(1));
  return norm;
}

void Parameters::forget_gradients() {
  join();
  gradient_all_.zero_();
}

void Parameters::publish() { publish(learnt_all()); }

void Parameters::publish(const Tensor& values) {
  const at::NoGradGuard no_grad;
  join();
  for (Run& run : runs_) run.used.copy_(values.slice(0, run.first, run.first + run.numbers));
}

Tensors Parameters::learnt() const {
  Tensors tensors;
  for (const Parameter& parameter : all_) tensors.emplace(parameter.name, parameter.learnt);
  return tensors;
}

Tensors Parameters::pieces(std::string_view prefix, const Tensor& of) const {
  Tensors tensors;
  for (std::size_t i = 0; i < all_.size(); ++i)
    tensors.emplace(std::string(prefix) + all_[i].name, piece(of, all_[i].learnt, places_[i]));
  return tensors;
}

const Tensor& Parameters::learnt_all() {
  join();
  return learnt_all_;
}

const Tensor& Parameters::gradient_all() {
  join();
  return gradient_all_;
}

std::int64_t Parameters::count() const {
  std::int64_t count = 0;
  for (const Parameter& parameter : all_) count += parameter.learnt.numel();
  return count;
}

}  // namespace pirouette::train
