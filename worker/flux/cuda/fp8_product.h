#pragma once
// Products whose both sides are float8 with a scale a row, bfloat16 out, sums in float32 by the
// card's fast accumulation; and the rows that go into them.

#include <string>
#include <vector>

#include "worker/flux/cuda/matmul.h"
#include "worker/flux/fp8.h"

namespace pirouette::flux::cuda {

// [rows, width] bfloat16, rows lying apart as they may.
Fp8Rows quantise(const Tensor& rows);

// out [rows, out] = x W^T + b for a linear in float8; rows of out may lie apart.
void multiply_into(const Tensor& out, const Fp8Rows& x, const Linear& linear);

// By whom: cuBLASLt directly, which takes any number of rows, or torch's own call; best is the
// first where the card has it. The same for all threads; for benches.
enum class Fp8By { best, torch, cublaslt };
void multiply_fp8_by(Fp8By by);

// As many rows as cuBLASLt computes for these: its products come in some counts only. 0: none, and
// the operands are widened. For tests.
std::int64_t computed_rows(const Tensor& out, const Fp8Rows& x, const Linear& linear);

// What cuBLASLt proposes for it, in its order, each timed: for benches.
std::vector<Proposal> time_proposals(const Tensor& out, const Fp8Rows& x, const Linear& linear,
                                     int most);

}  // namespace pirouette::flux::cuda
