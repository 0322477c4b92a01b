#pragma once
// What is trained: tensors with names. Each is there twice: as the model computes with it (a leaf
// of autograd, in the dtype of the computation), and as it is learnt, in float32, so that steps
// smaller than bfloat16's grain are not lost. Gradients of several micro-batches are summed in
// float32 too. Owned by one thread.
//
// All of them lie behind each other in a few long tensors, of which each parameter is a piece: a
// step of the optimiser is a dozen operations, however many parameters there are. On a GPU a small
// model's step would otherwise be thousands of launches and little else.

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
  // Not after any of the functions below.
  Tensor add(std::string name, const Tensor& value, at::ScalarType computed_in);
  // All floating ones of tensors under prefix + name, replaced by what add() gives.
  void add_all(std::string_view prefix, Tensors& tensors, at::ScalarType computed_in);

  // After each micro-batch: share of what backward() left in the model's leaves is added to the
  // gradients, and the leaves are emptied.
  void collect(double share);
  // The norm of all gradients together, on the device; where it is above most (0: no limit), they
  // are scaled down to that. Waits for nothing.
  Tensor clip(double most);
  void forget_gradients();

  // What the model computes with from now on: what was learnt, or these instead (as learnt_all()).
  void publish();
  void publish(const Tensor& values);

  // By name: what was learnt.
  Tensors learnt() const;
  // By name with prefix: the pieces of a tensor as long as learnt_all().
  Tensors pieces(std::string_view prefix, const Tensor& of) const;

  // All parameters in one tensor each: [their numbers, and zeros between].
  const Tensor& learnt_all();
  const Tensor& gradient_all();

  std::vector<Parameter>& all() { return all_; }
  const std::vector<Parameter>& all() const { return all_; }
  std::int64_t count() const;  // numbers in them

 private:
  // Parameters one after another that the model computes with in one dtype.
  struct Run {
    std::int64_t first = 0, numbers = 0;  // its place in learnt_all_
    Tensor used, grads;
  };
  void join();
  void join(Parameter& parameter, std::int64_t at, const Run& run);

  std::vector<Parameter> all_;
  // From the first use on.
  Tensor learnt_all_, gradient_all_;
  std::vector<std::int64_t> places_;  // of each parameter, in numbers
  std::vector<Run> runs_;
};

}  // namespace pirouette::train
