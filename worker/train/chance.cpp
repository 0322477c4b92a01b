#include "worker/train/chance.h"

#include <ATen/CPUGeneratorImpl.h>

namespace pirouette::train {

at::Generator generator_of(std::uint64_t seed, Draw draw, std::uint64_t count) {
  return at::detail::createCPUGenerator(seed_of(seed, draw, count));
}

flux::Tensor normal(at::IntArrayRef shape, const at::Generator& generator) {
  return at::randn(shape, generator, at::TensorOptions(at::kFloat));
}

}  // namespace pirouette::train
