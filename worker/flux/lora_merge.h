#pragma once
// LoRAs added to a model's weights: W' = W + sum of scale * alpha / rank * up down (or the dense
// change). Computed in float32 and rounded once; always from pristine weights, so that nothing
// drifts and a change of scale is one merge.

#include <map>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/lora.h"

namespace pirouette::flux {

// One module's change of a tensor, with everything that scales it.
struct ScaledChange {
  const LoraModule* module;   // of the ScaledLora that the plan was made from
  const std::string* source;  // that LoRA's, for errors
  double factor;
};

// What a set of LoRAs does to one model: the canonical tensors that change, each with its changes.
using MergePlan = std::map<std::string, std::vector<ScaledChange>>;

// Points into loras, which must outlive it. invalid: a scale is not a number, or a change does not
// fit model (names and shapes are looked at, never the values).
Result<MergePlan> plan_merge(const std::vector<ScaledLora>& loras, LoraModel part,
                             const Tensors& model);

// pristine with the changes added, of pristine's dtype and device. width: the columns of the
// module's weight, for changes of parts of it.
Tensor merge(const Tensor& pristine, const std::vector<ScaledChange>& changes, int64_t width);

// The columns of the weight that the plan's tensor belongs to.
int64_t width_of(const std::vector<ScaledChange>& changes, const Tensors& model);

// pristine (canonical names) with the LoRAs merged in; untouched tensors are shared with it.
Result<Tensors> merge_loras(const Tensors& pristine, const std::vector<ScaledLora>& loras,
                            LoraModel part = LoraModel::transformer);

}  // namespace pirouette::flux
