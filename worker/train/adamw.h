#pragma once
// AdamW: Adam whose weight decay does not go through the moments (Loshchilov and Hutter, 2019);
// operation by operation as torch.optim.AdamW. And the running average of what was learnt (EMA),
// which often draws better than the last step.

#include "common/result.h"
#include "worker/train/parameters.h"

namespace pirouette::train {

// Hugging Face's names with --adam_ before them, and its values.
struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 1e-4;
};

class AdamW {
 public:
  AdamW(Parameters& parameters, const AdamWOptions& options);

  // What was learnt goes one step down its gradients. number: of this step, from 1.
  void step(Parameters& parameters, double learning_rate, std::int64_t number);

  // The moments, for a checkpoint: "adam_m.NAME", "adam_v.NAME".
  void save(const Parameters& parameters, Tensors& into) const;
  Result<void> restore(const Parameters& parameters, flux::Weights& from);

 private:
  AdamWOptions options_;
  Tensor mean_, square_;  // as Parameters::learnt_all()
};

class Average {
 public:
  Average(Parameters& parameters, double decay);

  // number: of the step that was just made, from 1. As diffusers' EMAModel, the decay grows to its
  // full value: min(decay, (1 + n) / (10 + n)).
  void update(Parameters& parameters, std::int64_t number);
  const Tensor& values() const { return values_; }  // as Parameters::learnt_all()

  void save(const Parameters& parameters, Tensors& into) const;  // "ema.NAME"
  Result<void> restore(const Parameters& parameters, flux::Weights& from);

 private:
  double decay_;
  Tensor values_;
};

}  // namespace pirouette::train
