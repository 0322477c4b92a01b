// The transformer's passes over tokens; kernels.h says what each does.

#include "worker/flux/cuda/fp8.cuh"
#include "worker/flux/cuda/head_widths.h"
#include "worker/flux/cuda/heads.cuh"
#include "worker/flux/cuda/kernels.h"
#include "worker/flux/cuda/launch.h"

namespace pirouette::flux::cuda {
namespace {

constexpr int kNormThreadsMax = 128;
constexpr int kTurnThreads = 256;
constexpr int kTurnAhead = 3;      // heads a thread has in flight: all of FLUX.1's 24 q and 24 k
constexpr int kRowsThreads = 256;  // 8 warps, a row of the weight each

__device__ Wide load_or_zero(const bf16* row, int column, std::int64_t width) {
  return column < width ? load(row + column) : Wide{};
}

// Over the block; scratch [32] is used once.
__device__ float sum_over_block(float x, float* scratch) {
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  x = sum_over_lanes<kWarp>(x);
  if (lane == 0) scratch[warp] = x;
  __syncthreads();
  const int warps = (blockDim.x + kWarp - 1) / kWarp;
  return sum_over_lanes<kWarp>(lane < warps ? scratch[lane] : 0.0f);
}

// A block a row, which stays in registers: read once, written once. Four warps at most, so that few
// wait for each other and a processor has many rows in flight.
template <int kVectors, bool kBytes>
__global__ void __launch_bounds__(kNormThreadsMax) norm_rows_kernel(NormRows rows) {
  __shared__ float sums[kWarp], squares[kWarp], peaks[kWarp];
  const std::int64_t token = blockIdx.x % rows.tokens, batch = blockIdx.x / rows.tokens;
  const SideModulation& side = token < rows.text_tokens ? rows.txt : rows.img;
  const std::int64_t row = blockIdx.x * rows.width;
  const int step = blockDim.x * kWide, first = threadIdx.x * kWide;
  Wide x[kVectors];
#pragma unroll
  for (int v = 0; v < kVectors; ++v)
    x[v] = load_or_zero(rows.x + row, first + v * step, rows.width);
  if (rows.branch != nullptr) {
    const bf16* gates = side.gate + batch * side.gate_stride;
    Wide branch[kVectors];
#pragma unroll
    for (int v = 0; v < kVectors; ++v)
      branch[v] = load_or_zero(rows.branch + row, first + v * step, rows.width);
#pragma unroll
    for (int v = 0; v < kVectors; ++v) {
      const Wide gate = load_or_zero(gates, first + v * step, rows.width);
#pragma unroll
      for (int i = 0; i < kWide; ++i)
        x[v].at[i] = rounded(x[v].at[i] + gate.at[i] * branch[v].at[i]);
      if (first + v * step < rows.width) store(rows.x + row + first + v * step, x[v]);
    }
  }
  float sum = 0;
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
#pragma unroll
    for (int i = 0; i < kWide; ++i) sum += x[v].at[i];
  }
  const float mean = sum_over_block(sum, sums) / static_cast<float>(rows.width);
  float square = 0;
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    if (first + v * step >= rows.width) continue;
#pragma unroll
    for (int i = 0; i < kWide; ++i) square += (x[v].at[i] - mean) * (x[v].at[i] - mean);
  }
  square = sum_over_block(square, squares);
  const float factor = rsqrtf(square / static_cast<float>(rows.width) + kNormEps);
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const int column = first + v * step;
    if (column >= rows.width) continue;
    const Wide shift = load(side.shift + batch * side.norm_stride + column);
    const Wide scale = load(side.scale + batch * side.norm_stride + column);
#pragma unroll
    for (int i = 0; i < kWide; ++i)
      x[v].at[i] = (x[v].at[i] - mean) * factor * (1.0f + scale.at[i]) + shift.at[i];
    if (!kBytes || rows.normed != nullptr) store(rows.normed + row + column, x[v]);
  }
  if (!kBytes) return;
  float peak = 0;
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    if (first + v * step < rows.width) peak = peak_of(peak, x[v]);
  }
  peak = peak_over_block(peak, peaks);
#pragma unroll
  for (int v = 0; v < kVectors; ++v) {
    const int column = first + v * step;
    if (column < rows.width) store_fp8(rows.bytes + row + column, x[v], kFp8Max / peak);
  }
  if (threadIdx.x == 0) rows.scales[blockIdx.x] = peak / kFp8Max;
}

// A block a token; kLanes threads a head, so that a thread turns the same 8 numbers' angles for
// every head it sees and reads them once.
template <int kLanes>
__global__ void __launch_bounds__(kTurnThreads) turn_heads_kernel(TurnHeads heads) {
  constexpr int kHeadWidth = kLanes * kWide, kSlots = kTurnThreads / kLanes;
  const std::int64_t token = blockIdx.x % heads.tokens;
  const int lane = threadIdx.x % kLanes, slot = threadIdx.x / kLanes;
  const int count = static_cast<int>(2 * heads.heads);
  const bool is_text = token < heads.text_tokens;
  const Wide cos = load(heads.cos + token * kHeadWidth + lane * kWide);
  const Wide sin = load(heads.sin + token * kHeadWidth + lane * kWide);
  const Wide q = load((is_text ? heads.txt_q : heads.img_q) + lane * kWide);
  const Wide k = load((is_text ? heads.txt_k : heads.img_k) + lane * kWide);
  bf16* row = heads.qkv + blockIdx.x * heads.row_stride + lane * kWide;
  // Every lane of a warp goes round equally often: the sums below need them all.
  for (int first = slot; first - slot < count; first += kTurnAhead * kSlots) {
    uint4 raw[kTurnAhead] = {};
#pragma unroll
    for (int a = 0; a < kTurnAhead; ++a) {
      const int head = first + a * kSlots;
      if (head < count) raw[a] = *reinterpret_cast<const uint4*>(row + head * kHeadWidth);
    }
#pragma unroll
    for (int a = 0; a < kTurnAhead; ++a) {
      const int head = first + a * kSlots;
      Wide x = widen(raw[a]);
      const float factor = norm_factor<kLanes>(x);
      const bool is_query = head < heads.heads;
#pragma unroll
      for (int i = 0; i < kWide; ++i) x.at[i] *= factor * (is_query ? q.at[i] : k.at[i]);
      const Wide y = turned(x, cos, sin);
      if (head < count) store(row + head * kHeadWidth, y);
    }
  }
}

__global__ void copy_rows_kernel(bf16* to, std::int64_t to_stride, const bf16* from,
                                 std::int64_t from_stride, std::int64_t width) {
  const std::int64_t row = blockIdx.x;
  for (std::int64_t column = threadIdx.x * kWide; column < width; column += blockDim.x * kWide)
    *reinterpret_cast<uint4*>(to + row * to_stride + column) =
        *reinterpret_cast<const uint4*>(from + row * from_stride + column);
}

// A warp a row of the weight; four loads in flight a lane.
__global__ void __launch_bounds__(kRowsThreads)
    few_rows_kernel(bf16* out, const bf16* x, const bf16* weight, const bf16* bias, std::int64_t n,
                    std::int64_t k) {
  const std::int64_t row = blockIdx.x * (kRowsThreads / kWarp) + threadIdx.x / kWarp;
  if (row >= n) return;
  const int lane = threadIdx.x % kWarp;
  x += blockIdx.y * k;
  weight += row * k;
  float sum = 0;
#pragma unroll 4
  for (std::int64_t at = lane * kWide; at < k; at += kWarp * kWide) {
    const Wide w = load(weight + at), v = load(x + at);
#pragma unroll
    for (int i = 0; i < kWide; ++i) sum += w.at[i] * v.at[i];
  }
  sum = sum_over_lanes<kWarp>(sum);
  if (lane == 0) out[blockIdx.y * n + row] = __float2bfloat16_rn(sum + __bfloat162float(bias[row]));
}

template <int kVectors>
void norm(const NormRows& rows, cudaStream_t stream) {
  const auto threads =
      static_cast<unsigned>((rows.width / kWide + kVectors - 1) / kVectors + kWarp - 1);
  const auto blocks = static_cast<unsigned>(rows.batch * rows.tokens);
  if (rows.bytes != nullptr)
    norm_rows_kernel<kVectors, true><<<blocks, threads / kWarp * kWarp, 0, stream>>>(rows);
  else
    norm_rows_kernel<kVectors, false><<<blocks, threads / kWarp * kWarp, 0, stream>>>(rows);
}

}  // namespace

void norm_rows(const NormRows& rows, cudaStream_t stream) {
  if (rows.width > kNormWidthMax || rows.width % kWide != 0)
    throw std::runtime_error("norm_rows: no multiple of 8 up to 8192 wide");
  const int vectors = static_cast<int>(rows.width / kWide);
  const int each = (vectors + kNormThreadsMax - 1) / kNormThreadsMax;
  if (each <= 1)
    norm<1>(rows, stream);
  else if (each <= 3)
    norm<3>(rows, stream);
  else
    norm<8>(rows, stream);
  check_launch("norm_rows");
}

void turn_heads(const TurnHeads& heads, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>(heads.batch * heads.tokens);
  for_head_width(heads.head_width, "turn_heads", [&](auto lanes) {
    turn_heads_kernel<lanes><<<blocks, kTurnThreads, 0, stream>>>(heads);
  });
  check_launch("turn_heads");
}

void copy_rows(bf16* to, std::int64_t to_stride, const bf16* from, std::int64_t from_stride,
               std::int64_t rows, std::int64_t width, cudaStream_t stream) {
  constexpr unsigned kThreads = 384;
  copy_rows_kernel<<<static_cast<unsigned>(rows), kThreads, 0, stream>>>(to, to_stride, from,
                                                                         from_stride, width);
  check_launch("copy_rows");
}

void few_rows_product(bf16* out, const bf16* x, const bf16* weight, const bf16* bias,
                      std::int64_t batch, std::int64_t n, std::int64_t k, cudaStream_t stream) {
  constexpr std::int64_t kRows = kRowsThreads / kWarp;
  const dim3 blocks(static_cast<unsigned>((n + kRows - 1) / kRows), static_cast<unsigned>(batch));
  few_rows_kernel<<<blocks, kRowsThreads, 0, stream>>>(out, x, weight, bias, n, k);
  check_launch("few_rows_product");
}

}  // namespace pirouette::flux::cuda
