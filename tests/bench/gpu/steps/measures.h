#pragma once
// What might make a step cheaper.

#include "worker/flux/kontext.h"

namespace pirouette::flux::bench {

// A step launched operation by operation against the same step as one CUDA graph, at several sizes.
void measure_graphs(const Transformer& model, const std::string& name, at::Device device);
// Few and narrow blocks, where launching is most of the work.
Transformer make_mini(at::Device device);

// Pictures of 24 steps with step caches against one without: time, and how far the velocities and
// the last latents are away. Random weights: what that means for real pictures is not told.
void measure_step_caches(Kontext& kontext);

}  // namespace pirouette::flux::bench
