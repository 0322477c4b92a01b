#pragma once
// Scaled float8 weights as ComfyUI and its friends store them, in both spellings. Old: a tensor
// "scaled_fp8", and beside X.weight its X.scale_weight (and X.scale_input, of the activations). New
// (ComfyUI's QUANTIZATION.md): X.weight_scale and X.input_scale, and what the format is in
// X.comfy_quant (JSON in bytes) or in the header's _quantization_metadata. The weight is its number
// times the scale. This engine computes with weights made wide, so the scales of activations, and
// "full precision" marks, say nothing to it.

#include <span>
#include <string>

#include "common/result.h"
#include "worker/flux/storage/tensor_file.h"

namespace pirouette::flux {

// The file with each scale put to its weight, and all that belongs to scaling taken out. A scale
// without its weight stays, and is found left over. invalid: a format that is not float8; corrupt:
// a scale that does not fit its weight.
Result<TensorFile> join_scales(TensorFile file);

// What a comfy_quant tensor or a layer of _quantization_metadata says: the dtype of the weight.
// invalid: another format than float8, by its name.
Result<Dtype> parse_quantisation(std::span<const std::uint8_t> json_text);

// {"layers": {X: {"format": …}}} -> X: dtype. Empty text is an empty map.
Result<std::map<std::string, Dtype>> parse_quantisation_metadata(const std::string& text);

}  // namespace pirouette::flux
