#pragma once
// One training on several devices (data parallel): each has the whole model, and learns from
// batches of its own. The first one's optimiser steps by the mean of their gradients, and what it
// learnt goes to all of them, so that they never differ.

#include <functional>
#include <memory>
#include <vector>

#include "worker/train/dataset.h"
#include "worker/train/task.h"

namespace pirouette::train {

// What a replica's task is made of.
struct Replica {
  at::Device device;
  std::uint64_t seed;      // of all that it draws
  const Dataset& dataset;  // the examples that are its own; lives as long as the task
};
using MakeReplica = std::function<Result<std::unique_ptr<Task>>(const Replica& replica)>;

// A task whose micro-batches are one of each device's, with at least one device. On a single one it
// is what make gives for this seed and dataset. The first device's model is shown and saved.
// dataset must live as long. An error is the first device's that has one.
Result<std::unique_ptr<Task>> make_replicas(const std::vector<at::Device>& devices,
                                            std::uint64_t seed, const Dataset& dataset,
                                            const MakeReplica& make);

}  // namespace pirouette::train
