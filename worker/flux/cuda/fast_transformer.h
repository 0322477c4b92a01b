#pragma once
// The transformer's blocks in bfloat16 on a CUDA device, written for few passes over memory: text
// and image tokens lie in one buffer from beginning to end, so nothing is ever joined; a gated
// residual, the norm after it and its modulation are one pass; q and k are normed and turned where
// the product put them, and attention reads q, k and v from there; GELU is the last pass of the
// product before it. The same function as transformer.cpp's plain one, which rounds more often.
//
// No step waits for the device. Owned by no thread: everything is made anew for each pass.

#include <vector>

#include "worker/flux/transformer.h"

namespace pirouette::flux::cuda {

struct FastModel {
  const Linear& img_in;
  const Linear& txt_in;
  const std::vector<DoubleBlock>& double_blocks;
  const std::vector<SingleBlock>& single_blocks;
  const Linear& final_modulation;
  int64_t heads;
};

// For tests and benches: while one lives, this thread's passes are of plain operations.
class PlainOnly {
 public:
  PlainOnly();
  ~PlainOnly();
  PlainOnly(const PlainOnly&) = delete;
  PlainOnly& operator=(const PlainOnly&) = delete;
  static bool lives();
};

// bfloat16 on CUDA, no gradient wanted (the kernels know none), and widths that the kernels take:
// FLUX.1's are, and most small test models'.
bool is_fast(const FastModel& model, const TransformerInput& input);

// vec [B, C], of which SiLU was taken; none where the input has conditions. -> the wanted image
// tokens, normed and modulated for the last linear: [B, wanted, C].
Tensor run_blocks(const FastModel& model, const TransformerInput& input, const Tensor& vec);

// vec [steps, C], of which SiLU was taken.
Conditions make_conditions(const FastModel& model, const Tensor& vec);

}  // namespace pirouette::flux::cuda
