#pragma once
// The few tensor operations that the models are written in, and the only place that knows which
// libtorch this is: Debian's 1.13 for the CPU, or 2.x for CUDA. Plain structs of weights, no
// modules. Letters: B batch, L tokens, C width, H heads, D head width.
//
// ivalue.h comes first: clang cannot compile ATen.h in C++20 without it.

#include <ATen/core/ivalue.h>
// (keep this order)
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <memory>
#include <string>
#include <vector>

namespace pirouette::flux {

using at::Tensor;

// A low-rank change of some of a linear's rows that is not merged into it, so that it can be
// trained: y[first_row ...] += scale * up (down x). All of one training have one scale, which may
// change between two steps.
struct Adapter {
  Tensor down, up;  // [rank, in], [rows, rank]
  std::shared_ptr<const double> scale;
  int64_t first_row = 0;
};

// y = x W^T + b. weight [out, in]; bias [out], or undefined for none. A float8 weight is bytes and
// a scale a row (fp8.h); applied as plain operations it is widened each time.
struct Linear {
  Tensor weight, bias;
  std::vector<Adapter> adapters = {};  // none but in training
  Tensor scales = {};                  // [out] of a float8 weight; undefined for others
  bool is_fp8() const { return scales.defined(); }
  // Itself where it is there. One that lies on the host crosses: from page-locked memory without
  // waiting, in the order of the device's other work.
  Tensor weight_on(at::Device device) const;
  Tensor operator()(const Tensor& x) const;
};

// weight [out, in, kh, kw], bias [out]; the same stride and padding in both directions.
struct Conv2d {
  Tensor weight, bias;
  int64_t stride = 1;
  int64_t padding = 0;
  Tensor operator()(const Tensor& x) const;
};

// weight, bias [C]; x [B, C, …].
struct GroupNorm {
  Tensor weight, bias;
  int64_t groups = 32;
  double eps = 1e-6;
  Tensor operator()(const Tensor& x) const;
};

// softmax(q k^T / sqrt(D)) v; q, k, v [B, H, L, D]; out [B, H, L, D].
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v);

// softmax(q k^T * scale + bias) v, written out: bias broadcasts to [B, H, Lq, Lk] (T5's position
// bias, CLIP's causal mask of 0 and -inf).
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& bias, double scale);

// x / rms(x over the last dimension) * weight, in float32 inside; weight [C].
Tensor rms_norm(const Tensor& x, const Tensor& weight, double eps);

// Over the last dimension; weight and bias [C] or undefined for none.
Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps);

// float32; itself where it is that or float64 already.
Tensor at_least_float32(const Tensor& x);

// At most this many threads for one operation; process-wide, from the command line.
void set_threads(int threads);

// "libtorch 1.13.0".
std::string torch_version();

}  // namespace pirouette::flux
