#pragma once
// Random numbers by place instead of by order: each draw has a generator of its own, made from the
// seed, from what is drawn, and from a count. So a training that goes on after an interruption
// draws what it would have drawn, and nothing of generators has to be saved.

#include <cstdint>

#include "common/rng.h"
#include "worker/flux/ops.h"

namespace pirouette::train {

enum class Draw : std::uint64_t {
  weights,
  order,
  example,
  sigma,
  noise,
  latent,
  sample,
  echo,
  scale
};

// A seed for the count-th draw of its kind.
inline std::uint64_t seed_of(std::uint64_t seed, Draw draw, std::uint64_t count) {
  const std::uint64_t kind = Rng(seed).next() ^ static_cast<std::uint64_t>(draw);
  return Rng(Rng(kind).next() ^ count).next();
}

// On the CPU, whatever device trains: the numbers are the same everywhere.
at::Generator generator_of(std::uint64_t seed, Draw draw, std::uint64_t count);

// Standard normal, float32 on the CPU.
flux::Tensor normal(at::IntArrayRef shape, const at::Generator& generator);

}  // namespace pirouette::train
