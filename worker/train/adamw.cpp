#include "worker/train/adamw.h"

#include <algorithm>
#include <cmath>

namespace pirouette::train {

AdamW::AdamW(const Parameters& parameters, const AdamWOptions& options) : options_(options) {
  for (const Parameter& parameter : parameters.all())
    moments_.push_back({at::zeros_like(parameter.learnt), at::zeros_like(parameter.learnt)});
}

void AdamW::step(Parameters& parameters, double learning_rate, std::int64_t number) {
  const at::NoGradGuard no_grad;
  const auto n = static_cast<double>(number);
  const double mean_correction = 1 - std::pow(options_.beta1, n);
  const double square_correction = std::sqrt(1 - std::pow(options_.beta2, n));
  for (std::size_t i = 0; i < moments_.size(); ++i) {
    Parameter& parameter = parameters.all()[i];
    auto& [mean, square] = moments_[i];
    const Tensor& g = parameter.gradient;
    parameter.learnt.mul_(1 - learning_rate * options_.weight_decay);
    mean.mul_(options_.beta1).add_(g, 1 - options_.beta1);
    square.mul_(options_.beta2).addcmul_(g, g, 1 - options_.beta2);
    const Tensor size = square.sqrt().div_(square_correction).add_(options_.epsilon);
    parameter.learnt.addcdiv_(mean, size, -learning_rate / mean_correction);
  }
}

void AdamW::save(const Parameters& parameters, Tensors& into) const {
  for (std::size_t i = 0; i < moments_.size(); ++i) {
    into.emplace("adam_m." + parameters.all()[i].name, moments_[i].mean);
    into.emplace("adam_v." + parameters.all()[i].name, moments_[i].square);
  }
}

Result<void> AdamW::restore(const Parameters& parameters, flux::Weights& from) {
  for (std::size_t i = 0; i < moments_.size(); ++i) {
    const Parameter& parameter = parameters.all()[i];
    const auto shape = parameter.learnt.sizes();
    moments_[i].mean.copy_(TRY(from.take("adam_m." + parameter.name, shape)));
    moments_[i].square.copy_(TRY(from.take("adam_v." + parameter.name, shape)));
  }
  return {};
}

Average::Average(const Parameters& parameters, double decay) : decay_(decay) {
  for (const Parameter& parameter : parameters.all()) values_.push_back(parameter.learnt.clone());
}

void Average::update(const Parameters& parameters, std::int64_t number) {
  const at::NoGradGuard no_grad;
  const auto n = static_cast<double>(number);
  const double decay = std::min(decay_, (1 + n) / (10 + n));
  for (std::size_t i = 0; i < values_.size(); ++i)
    values_[i].mul_(decay).add_(parameters.all()[i].learnt, 1 - decay);
}

void Average::save(const Parameters& parameters, Tensors& into) const {
  for (std::size_t i = 0; i < values_.size(); ++i)
    into.emplace("ema." + parameters.all()[i].name, values_[i]);
}

Result<void> Average::restore(const Parameters& parameters, flux::Weights& from) {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const Parameter& parameter = parameters.all()[i];
    values_[i].copy_(TRY(from.take("ema." + parameter.name, parameter.learnt.sizes())));
  }
  return {};
}

}  // namespace pirouette::train
