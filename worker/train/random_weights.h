#pragma once
// Tensors of a new model by name, each drawn from a generator of its own name's order, in float32.

#include <cmath>
#include <string>

#include "worker/flux/checkpoint.h"
#include "worker/train/chance.h"

namespace pirouette::train {

class RandomWeights {
 public:
  explicit RandomWeights(std::uint64_t seed) : seed_(seed) {}

  void normal(const std::string& name, at::IntArrayRef shape, double deviation) {
    tensors_[name] = train::normal(shape, next()) * deviation;
  }
  void uniform(const std::string& name, at::IntArrayRef shape, double bound) {
    tensors_[name] = at::rand(shape, next(), at::TensorOptions(at::kFloat)) * (2 * bound) - bound;
  }
  void constant(const std::string& name, at::IntArrayRef shape, double value) {
    tensors_[name] = at::full(shape, value, at::TensorOptions(at::kFloat));
  }
  // Xavier's, with a bias of zeros.
  void linear(const std::string& name, std::int64_t out, std::int64_t in) {
    uniform(name + ".weight", {out, in}, std::sqrt(6.0 / static_cast<double>(in + out)));
    constant(name + ".bias", {out}, 0);
  }
  void linear_of_zeros(const std::string& name, std::int64_t out, std::int64_t in) {
    constant(name + ".weight", {out, in}, 0);
    constant(name + ".bias", {out}, 0);
  }
  // As PyTorch begins a convolution.
  void conv(const std::string& name, std::int64_t out, std::int64_t in, std::int64_t kernel) {
    const double bound = 1 / std::sqrt(static_cast<double>(in * kernel * kernel));
    uniform(name + ".weight", {out, in, kernel, kernel}, bound);
    uniform(name + ".bias", {out}, bound);
  }
  void norm(const std::string& name, std::int64_t width) {
    constant(name + ".weight", {width}, 1);
    constant(name + ".bias", {width}, 0);
  }

  const flux::Tensors& tensors() const { return tensors_; }

 private:
  at::Generator next() { return generator_of(seed_, Draw::weights, count_++); }

  std::uint64_t seed_, count_ = 0;
  flux::Tensors tensors_;
};

}  // namespace pirouette::train
