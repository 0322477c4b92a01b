#pragma once
// Linear layers in float8: each output row of a weight is e4m3 bytes and one float32 scale, x =
// byte * scale, and the products are float8 too, which a card does at twice the rate of bfloat16
// and which takes half the memory. Only the large products of the blocks are kept so; what is small
// or touches every number (embedders, modulations, norms, the last layer) stays as it is.
//
// Bytes are kByte tensors: torch has a dtype for them only since 2.1, and casts leave them alone.

#include <string>

#include "common/result.h"
#include "worker/flux/ops.h"

namespace pirouette::flux {

// Rows of numbers [rows, width] as bytes, and a scale a row [rows].
struct Fp8Rows {
  Tensor bytes, scales;
};

// Each row's largest number becomes e4m3's largest. Rounded once, from float32.
Fp8Rows quantise_rows(const Tensor& rows);
Tensor widen_rows(const Fp8Rows& rows, at::ScalarType type);

// Is this canonical tensor of a transformer one that becomes float8? By its name, and by its sizes:
// the products need multiples of 16, and others stay as they are.
bool becomes_fp8(const std::string& name, const Tensor& tensor);

// A weight's scales are beside it under this name.
std::string scale_name(const std::string& weight_name);

}  // namespace pirouette::flux
