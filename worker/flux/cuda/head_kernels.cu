// The heads' passes; head_kernels.h says what each does. D/8 threads share a head of one token: its
// q and k (and v on the way back), so that what they have in common is read once.

#include <limits>

#include "worker/flux/cuda/head_kernels.h"
#include "worker/flux/cuda/head_widths.h"
#include "worker/flux/cuda/heads.cuh"
#include "worker/flux/cuda/launch.h"

namespace pirouette::flux::cuda {
namespace {

using bf16 = __nv_bfloat16;

constexpr int kThreads = 256;

// x / rms(x), and what it was multiplied with.
template <int kLanes>
__device__ Wide normed(const Wide& x, float& factor) {
  factor = norm_factor<kLanes>(x);
  Wide unit;
#pragma unroll
  for (int i = 0; i < kWide; ++i) unit.at[i] = x.at[i] * factor;
  return unit;
}

template <int kLanes>
__device__ Wide turned(const Wide& x, const Wide& weight, const Wide& cos, const Wide& sin) {
  float factor;
  Wide unit = normed<kLanes>(x, factor);
#pragma unroll
  for (int i = 0; i < kWide; ++i) unit.at[i] *= weight.at[i];
  return cuda::turned(unit, cos, sin);
}

// From y's gradient to x's; adds to the weight's.
template <int kLanes>
__device__ Wide turned_back(const Wide& y, const Wide& x, const Wide& weight, const Wide& cos,
                            const Wide& sin, Wide& weight_sum) {
  float factor;
  const Wide unit = normed<kLanes>(x, factor);
  Wide slope;  // of unit
  float along = 0;
#pragma unroll
  for (int i = 0; i < kWide; i += 2) {
    slope.at[i] = y.at[i] * cos.at[i] + y.at[i + 1] * sin.at[i + 1];
    slope.at[i + 1] = y.at[i + 1] * cos.at[i + 1] - y.at[i] * sin.at[i];
  }
#pragma unroll
  for (int i = 0; i < kWide; ++i) {
    weight_sum.at[i] += slope.at[i] * unit.at[i];
    slope.at[i] *= weight.at[i];
    along += slope.at[i] * unit.at[i];
  }
  along = sum_over_lanes<kLanes>(along) / (kLanes * kWide);
#pragma unroll
  for (int i = 0; i < kWide; ++i) slope.at[i] = factor * (slope.at[i] - along * unit.at[i]);
  return slope;
}

// One head of one token, and 8 of its numbers.
struct Place {
  std::int64_t row, batch, token, head, column;

  __device__ Place(const Heads& heads, unsigned index, int lane) : column(lane * kWide) {
    const auto head_count = static_cast<unsigned>(heads.heads);
    const auto tokens = static_cast<unsigned>(heads.tokens);
    row = index / head_count;
    head = index % head_count;
    batch = static_cast<unsigned>(row) / tokens;
    token = static_cast<unsigned>(row) % tokens;
  }
  // Of rows of some width: part 0 is q, 1 is k, 2 is v.
  __device__ std::int64_t in_rows(const Heads& heads, std::int64_t stride, int part) const {
    return row * stride + (part * heads.heads + head) * heads.head_width + column;
  }
  __device__ const bf16* in(const HeadGradients& x) const {
    return x.first + batch * x.batch_stride + token * x.token_stride + head * x.head_stride +
           column;
  }
};

// Every lane of a warp goes round equally often: sums over lanes need them all.
template <int kLanes>
__global__ void __launch_bounds__(kThreads) turn_kernel(Heads heads, bf16* q, bf16* k) {
  constexpr int kHeadWidth = kLanes * kWide;
  const int lane = threadIdx.x % kLanes;
  const auto count = static_cast<unsigned>(heads.batch * heads.tokens * heads.heads);
  const unsigned index = blockIdx.x * (kThreads / kLanes) + threadIdx.x / kLanes;
  const Place at(heads, min(index, count - 1), lane);
  const Wide query = load(heads.rows + at.in_rows(heads, heads.row_stride, 0));
  const Wide key = load(heads.rows + at.in_rows(heads, heads.row_stride, 1));
  const Wide cos = load(heads.cos + at.token * kHeadWidth + at.column);
  const Wide sin = load(heads.sin + at.token * kHeadWidth + at.column);
  const Wide new_q = turned<kLanes>(query, load(heads.query_norm + at.column), cos, sin);
  const Wide new_k = turned<kLanes>(key, load(heads.key_norm + at.column), cos, sin);
  if (index >= count) return;
  const std::int64_t to = static_cast<std::int64_t>(index) * kHeadWidth + at.column;
  store(q + to, new_q);
  store(k + to, new_k);
}

// The sum over the heads that a block saw, in the same order each time.
template <int kLanes>
__device__ void store_sums(const Wide (&sums)[2], float* to) {
  constexpr int kHeadWidth = kLanes * kWide, kWarps = kThreads / kWarp;
  __shared__ float of_warps[kWarps][2 * kHeadWidth];
  const int lane = threadIdx.x % kWarp;
#pragma unroll
  for (int norm = 0; norm < 2; ++norm) {
#pragma unroll
    for (int i = 0; i < kWide; ++i) {
      float sum = sums[norm].at[i];
#pragma unroll
      for (int apart = kLanes; apart < kWarp; apart *= 2)
        sum += __shfl_xor_sync(kAllLanes, sum, apart);
      if (lane < kLanes) of_warps[threadIdx.x / kWarp][norm * kHeadWidth + lane * kWide + i] = sum;
    }
  }
  __syncthreads();
  for (int column = threadIdx.x; column < 2 * kHeadWidth; column += kThreads) {
    float sum = 0;
#pragma unroll
    for (int warp = 0; warp < kWarps; ++warp) sum += of_warps[warp][column];
    to[column] = sum;
  }
}

template <int kLanes>
__global__ void __launch_bounds__(kThreads) turn_back_kernel(HeadsBack back) {
  constexpr int kHeadWidth = kLanes * kWide, kSlots = kThreads / kLanes;
  const Heads& heads = back.of;
  const int lane = threadIdx.x % kLanes;
  const auto count = static_cast<unsigned>(heads.batch * heads.tokens * heads.heads);
  const std::int64_t row = 3 * heads.heads * kHeadWidth;
  const Wide query_norm = load(heads.query_norm + lane * kWide);
  const Wide key_norm = load(heads.key_norm + lane * kWide);
  Wide sums[2] = {};
  for (unsigned first = blockIdx.x * kSlots; first < count; first += gridDim.x * kSlots) {
    const unsigned index = first + threadIdx.x / kLanes;
    const bool is_there = index < count;
    const Place at(heads, min(index, count - 1), lane);
    const uint4 v = *reinterpret_cast<const uint4*>(at.in(back.v));
    const Wide query = load(heads.rows + at.in_rows(heads, heads.row_stride, 0));
    const Wide key = load(heads.rows + at.in_rows(heads, heads.row_stride, 1));
    const Wide q = is_there ? load(at.in(back.q)) : Wide{};  // adds nothing to the sums
    const Wide k = is_there ? load(at.in(back.k)) : Wide{};
    const Wide cos = load(heads.cos + at.token * kHeadWidth + at.column);
    const Wide sin = load(heads.sin + at.token * kHeadWidth + at.column);
    const Wide query_slope = turned_back<kLanes>(q, query, query_norm, cos, sin, sums[0]);
    const Wide key_slope = turned_back<kLanes>(k, key, key_norm, cos, sin, sums[1]);
    if (!is_there) continue;
    store(back.rows + at.in_rows(heads, row, 0), query_slope);
    store(back.rows + at.in_rows(heads, row, 1), key_slope);
    *reinterpret_cast<uint4*>(back.rows + at.in_rows(heads, row, 2)) = v;
  }
  store_sums<kLanes>(sums, back.norms + blockIdx.x * 2 * kHeadWidth);
}

// do_it(number of threads a head, as a constant)
template <typename DoIt>
void launch(const Heads& heads, const char* name, const DoIt& do_it) {
  if (heads.batch * heads.tokens * heads.heads > std::numeric_limits<int>::max())
    throw std::runtime_error(std::string(name) + ": more than 2^31 heads of all tokens");
  for_head_width(heads.head_width, name, do_it);
  check_launch(name);
}

}  // namespace

void turn(const Heads& heads, bf16* q, bf16* k, cudaStream_t stream) {
  launch(heads, "turn", [&](auto lanes) {
    constexpr int kSlots = kThreads / lanes;
    const std::int64_t count = heads.batch * heads.tokens * heads.heads;
    const auto blocks = static_cast<unsigned>((count + kSlots - 1) / kSlots);
    if (blocks == 0) return;  // no tokens
    turn_kernel<lanes><<<blocks, kThreads, 0, stream>>>(heads, q, k);
  });
}

void turn_back(const HeadsBack& back, cudaStream_t stream) {
  launch(back.of, "turn_back",
         [&](auto lanes) { turn_back_kernel<lanes><<<kBackBlocks, kThreads, 0, stream>>>(back); });
}

}  // namespace pirouette::flux::cuda
