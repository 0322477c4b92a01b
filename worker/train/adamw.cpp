#include "worker/train/adamw.h"

#include <algorithm>
#include <cmath>

namespace pirouette::train {
namespace {

Result<void> read(const Parameters& parameters, std::string_view prefix, const Tensor& into,
                  flux::Weights& from) {
  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : parameters.pieces(prefix, into))
    tensor.copy_(TRY(from.take(name, tensor.sizes())));
  return {};
}

}  // namespace

AdamW::AdamW(Parameters& parameters, const AdamWOptions& options)
    : options_(options),
      mean_(at::zeros_like(parameters.learnt_all())),
      square_(at::zeros_like(parameters.learnt_all())) {}

void AdamW::step(Parameters& parameters, double learning_rate, std::int64_t number) {
  const at::NoGradGuard no_grad;
  const auto n = static_cast<double>(number);
  const double mean_correction = 1 - std::pow(options_.beta1, n);
  const double square_correction = std::sqrt(1 - std::pow(options_.beta2, n));
  const Tensor& learnt = parameters.learnt_all();
  const Tensor& g = parameters.gradient_all();
  learnt.mul_(1 - learning_rate * options_.weight_decay);
  mean_.mul_(options_.beta1).add_(g, 1 - options_.beta1);
  square_.mul_(options_.beta2).addcmul_(g, g, 1 - options_.beta2);
  const Tensor size = square_.sqrt().div_(square_correction).add_(options_.epsilon);
  learnt.addcdiv_(mean_, size, -learning_rate / mean_correction);
}

void AdamW::save(const Parameters& parameters, Tensors& into) const {
  into.merge(parameters.pieces("adam_m.", mean_));
  into.merge(parameters.pieces("adam_v.", square_));
}

Result<void> AdamW::restore(const Parameters& parameters, flux::Weights& from) {
  TRY(read(parameters, "adam_m.", mean_, from));
  return read(parameters, "adam_v.", square_, from);
}

Average::Average(Parameters& parameters, double decay)
    : decay_(decay), values_(parameters.learnt_all().clone()) {}

void Average::update(Parameters& parameters, std::int64_t number) {
  const at::NoGradGuard no_grad;
  const auto n = static_cast<double>(number);
  const double decay = std::min(decay_, (1 + n) / (10 + n));
  values_.mul_(decay).add_(parameters.learnt_all(), 1 - decay);
}

void Average::save(const Parameters& parameters, Tensors& into) const {
  into.merge(parameters.pieces("ema.", values_));
}

Result<void> Average::restore(const Parameters& parameters, flux::Weights& from) {
  return read(parameters, "ema.", values_, from);
}

}  // namespace pirouette::train
