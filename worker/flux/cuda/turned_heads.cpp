#include "worker/flux/cuda/turned_heads.h"

#include <c10/core/DeviceGuard.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "common/result.h"
#include "worker/flux/cuda/fast_transformer.h"
#include "worker/flux/cuda/head_kernels.h"
#include "worker/flux/cuda/head_widths.h"
#include "worker/flux/cuda/launching.h"

namespace pirouette::flux::cuda {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Neighbours in the last dimension, and every row of them on a multiple of 16 bytes.
bool has_wide_rows(const Tensor& x) {
  const auto is_wide = [](int64_t numbers) { return numbers % 8 == 0; };
  return x.stride(-1) == 1 && is_wide(x.storage_offset()) &&
         std::ranges::all_of(x.strides().slice(0, static_cast<std::size_t>(x.dim() - 1)), is_wide);
}

// [B, L, 3*H*D] whose rows lie equally far apart over all batches, as in a part of wider rows.
bool are_rows(const Tensor& x) {
  return has_wide_rows(x) && x.stride(0) == x.size(1) * x.stride(1);
}

Heads describe(const Tensor& qkv, int64_t heads, const Tensor& query_norm, const Tensor& key_norm,
               const Tensor& cos, const Tensor& sin) {
  const int64_t head_width = qkv.size(2) / (3 * heads);
  PIROUETTE_CHECK(cos.is_contiguous() && sin.is_contiguous() && cos.sizes() == sin.sizes());
  PIROUETTE_CHECK(cos.size(0) == qkv.size(1) && cos.size(1) == head_width);
  PIROUETTE_CHECK(query_norm.is_contiguous() && key_norm.is_contiguous());
  PIROUETTE_CHECK(query_norm.numel() == head_width && key_norm.numel() == head_width);
  PIROUETTE_CHECK(key_norm.scalar_type() == query_norm.scalar_type());
  return {address(qkv),      qkv.stride(1),         address(query_norm),
          address(key_norm), cos.data_ptr<float>(), sin.data_ptr<float>(),
          qkv.size(0),       qkv.size(1),           heads,
          head_width};
}

// [B, L, H, D], however attention left them; x is what must outlive the kernel's launch.
HeadGradients describe_gradients(Tensor& x) {
  if (!has_wide_rows(x)) x = x.clone(at::MemoryFormat::Contiguous);
  return {address(x), x.stride(0), x.stride(1), x.stride(2)};
}

// q, k, v [B, L, H, D].
struct Turning : torch::autograd::Function<Turning> {
  static variable_list forward(AutogradContext* context, const Tensor& qkv, int64_t heads,
                               const Tensor& query_norm, const Tensor& key_norm, const Tensor& cos,
                               const Tensor& sin) {
    const c10::OptionalDeviceGuard guard(qkv.device());
    const Tensor rows = are_rows(qkv) ? qkv : qkv.clone(at::MemoryFormat::Contiguous);
    const Heads of = describe(rows, heads, query_norm, key_norm, cos, sin);
    const Tensor v = rows.unflatten(-1, {3, heads, -1}).select(2, 2);  // where it lies
    const Tensor q = at::empty(v.sizes(), qkv.options()), k = at::empty(v.sizes(), qkv.options());
    turn(of, address(q), address(k), current_stream(qkv.device()));
    context->save_for_backward({rows, query_norm, key_norm, cos, sin});
    context->saved_data["heads"] = heads;
    return {q, k, v};
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &rows = saved[0], &norm = saved[1];
    const c10::OptionalDeviceGuard guard(rows.device());
    HeadsBack back;
    back.of =
        describe(rows, context->saved_data["heads"].toInt(), norm, saved[2], saved[3], saved[4]);
    back.q = describe_gradients(gradients[0]);
    back.k = describe_gradients(gradients[1]);
    back.v = describe_gradients(gradients[2]);
    const Tensor changes = at::empty(rows.sizes(), rows.options());
    const Tensor parts = at::empty({kBackBlocks, 2, back.of.head_width}, saved[3].options());
    back.rows = address(changes);
    back.norms = parts.data_ptr<float>();
    turn_back(back, current_stream(rows.device()));
    const Tensor norms = parts.sum(0).to(norm.scalar_type());
    return {changes, {}, norms[0], norms[1], {}, {}};
  }
};

}  // namespace

bool can_turn_heads(const Tensor& qkv, int64_t heads, const Tensor& query_norm) {
  return !PlainOnly::lives() && qkv.is_cuda() && qkv.scalar_type() == at::kBFloat16 &&
         query_norm.scalar_type() == at::kBFloat16 && is_head_width(qkv.size(2) / (3 * heads));
}

std::array<Tensor, 3> turned_heads(const Tensor& qkv, int64_t heads, const Tensor& query_norm,
                                   const Tensor& key_norm, const Tensor& cos, const Tensor& sin) {
  const variable_list x = Turning::apply(qkv, heads, query_norm, key_norm, cos, sin);
  return {x[0], x[1], x[2]};
}

}  // namespace pirouette::flux::cuda
