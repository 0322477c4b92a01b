#pragma once
// What the two text encoders share. They keep their weights as the file stores them (T5-XXL: 9.5 GB
// in bfloat16) and compute in float32, where the reference's numbers are: each weight is widened as
// it is used. A prompt is embedded once for all its poses, so the time matters less than the
// gigabytes.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/ops.h"

namespace pirouette::flux {

// float32; itself where it is that already, or undefined.
Tensor wide(const Tensor& weight);
// The same on that device, wherever the weight lies: it crosses as it is stored.
Tensor wide_on(at::Device device, const Tensor& weight);

// x [.., in] float32 -> [.., out] float32, where x is.
Tensor apply_wide(const Linear& linear, const Tensor& x);

// A text's tokens.
using Ids = std::vector<std::int64_t>;

// The ids of B texts of one length as [B, L] on the device of embedding [vocabulary, C]. invalid:
// an id is beyond the vocabulary, which on a GPU would end the process; encoder is its name for the
// message.
Result<Tensor> make_index(std::span<const Ids> texts, const Tensor& embedding,
                          const std::string& encoder);

}  // namespace pirouette::flux
