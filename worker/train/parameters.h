#pragma once
// What is trained: tensors with names. Each is there twice: as the model computes with it (a leaf
// of autograd, in the dtype of the computation), and as it is learnt, in float32, so that steps
// smaller than bfloat16's grain are not lost. Gradients of several micro-batches are summed in
// float32 too. Owned by one thread.

#include <string>
#include <string_view>
#include <vector>

#include "worker/flux/checkpoint.h"
#include "worker/flux/ops.h"

namespace pirouette::train {

using flux::Tensor;
using flux::Tensors;

struct Parameter {
  std::string name;
  Tensor used;      // the model's
  Tensor learnt;    // float32, or float64 where the model computes in that
  Tensor gradient;  // of all micro-batches so far; as learnt
};

class Parameters {
 public:
  // A copy of value to build the model from, in that dtype, which collects gradients from now on.
  Tensor add(std::string name, const Tensor& value, at::ScalarType computed_in);
  // All floating ones of tensors under prefix + name, replaced by what add() gives.
  void add_all(std::string_view prefix, Tensors& tensors, at::ScalarType computed_in);

  // After each micro-batch: share of what backward() left in the model's leaves is added to the
  // gradients, and the leaves are emptied.
  void collect(double share);
  // The norm of all gradients together; where it is above most (0: no limit), they are scaled down
  // to that.
  double clip(double most);
  void forget_gradients();

  // What the model computes with from now on: what was learnt, or these instead (in all()'s order).
  void publish();
  void publish(const std::vector<Tensor>& values);

  // By name: what was learnt.
  Tensors learnt() const;

  std::vector<Parameter>& all() { return all_; }
  const std::vector<Parameter>& all() const { return all_; }
  std::int64_t count() const;  // numbers in them

 private:
  std::vector<Parameter> all_;
};

}  // namespace pirouette::train
