#pragma once
// Stored tensors as torch's: what is stored in a dtype that torch has is a view of the mapped file;
// float8 and GGUF's blocks are decoded, on all threads. The decoded numbers are the stored ones
// exactly, times their scale in float32, rounded once to the dtype asked for.

#include <map>
#include <string>

#include "common/result.h"
#include "worker/flux/ops.h"
#include "worker/flux/storage/tensor_file.h"

namespace pirouette::flux {

using Tensors = std::map<std::string, Tensor>;

// decoded: what float8 and blocks become: kFloat, kBFloat16 or kHalf. Others stay as stored, scaled
// ones excepted. keeps_fp8: weights that a transformer can keep in float8 (fp8.h) stay bytes, views
// of the mapped file, with their scales a row beside them.
Tensors read_tensors(const StoredTensors& stored, at::ScalarType decoded, bool keeps_fp8 = false);

// Tensors of the same names, shapes and dtypes without any numbers (on torch's meta device), to try
// whether a model can be built of them.
Tensors outline_tensors(const StoredTensors& stored, at::ScalarType decoded);

}  // namespace pirouette::flux
