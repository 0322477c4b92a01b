#pragma once
// A recognised part's tensors as the weights that its model is built of: read, cast, moved to the
// device and given their canonical names. A tensor whose dtype is the one asked for stays a view of
// the mapped file; only what diffusers splits (q, k, v, mlp) is copied together.

#include <set>
#include <string>

#include "worker/flux/checkpoint.h"
#include "worker/flux/storage/parts.h"

namespace pirouette::flux {

// Transformer and autoencoder: in that dtype. Text encoders: floats as stored (encoder_ops.h widens
// them as they are used), float8 and blocks in that dtype.
Result<Weights> load_part(const Part& part, at::ScalarType dtype, at::Device device);

// The same on the host and as stored; only float8 and blocks in that dtype.
// keeps_fp8: as read_tensors() has it; under Black Forest Labs' names only.
Result<Weights> open_part(const Part& part, at::ScalarType decoded, bool keeps_fp8 = false);

// The part with only what these canonical tensors are made of.
Part some_of(const Part& part, const std::set<std::string>& names);

// The same names and shapes without numbers: what load_part would give, if nothing had to be read.
Result<Weights> outline_part(const Part& part, at::ScalarType dtype);

}  // namespace pirouette::flux
