#include "worker/flux/cuda/fast_transformer.h"

#include <c10/core/DeviceGuard.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "worker/flux/cuda/fp8_kernels.h"
#include "worker/flux/cuda/fp8_product.h"
#include "worker/flux/cuda/head_widths.h"
#include "worker/flux/cuda/launching.h"

namespace pirouette::flux::cuda {
namespace {

// Chunk number first of a modulation [B, n*C] of each stream, and those after it.
struct Chunks {
  Tensor txt, img;
  int64_t first = 0;

  Chunks at(int64_t index) const { return {txt, img, index}; }
  SideModulation side(const Tensor& from, int64_t width) const {
    const bf16* begin = address(from) + first * width;
    return {begin, begin, begin + width, from.size(1), from.size(1)};
  }
};

// What a product is fed: rows [B * L, …] in bfloat16, or in float8 for a linear that is.
struct Fed {
  Tensor x;
  Fp8Rows fp8;

  Fed rows(int64_t begin, int64_t end) const {
    if (x.defined()) return {x.slice(0, begin, end), {}};
    return {{}, {fp8.bytes.slice(0, begin, end), fp8.scales.slice(0, begin, end)}};
  }
};

void multiply_fed(const Tensor& out, const Fed& fed, const Linear& linear,
                  const Product& product = {}) {
  if (linear.is_fp8())
    multiply_into(out, fed.fp8, linear);
  else
    multiply_into(out, fed.x, linear, product);
}

Linear rows_of(const Linear& linear, int64_t begin, int64_t end) {
  Linear rows{linear.weight.slice(0, begin, end), linear.bias.slice(0, begin, end)};
  if (linear.is_fp8()) rows.scales = linear.scales.slice(0, begin, end);
  return rows;
}

// Where a float8 product feeds one in bfloat16: only where some kinds of linears are float8.
void gelu_in_place(const Tensor& rows) {
  Tensor in_place = rows;
  at::gelu_(in_place, "tanh");
}

bool has_fp8(const FastModel& model) {
  const auto any = [](const DoubleBlock& block) {
    return block.img.qkv.is_fp8() || block.img.proj.is_fp8() || block.img.mlp_in.is_fp8() ||
           block.img.mlp_out.is_fp8();
  };
  return std::ranges::any_of(model.double_blocks, any) ||
         std::ranges::any_of(model.single_blocks, [](const SingleBlock& block) {
           return block.linear1.is_fp8() || block.linear2.is_fp8();
         });
}

class Blocks {
 public:
  Blocks(const FastModel& model, const TransformerInput& input, const Tensor& vec);

  void run(const DoubleBlock& block);
  // Of the outcome only these tokens: what nobody reads after the last block is not computed.
  void run(const SingleBlock& block, int64_t first, int64_t count);
  Tensor finish(const Linear& modulation, int64_t first, int64_t count);

 private:
  Tensor modulate(const Linear& linear);
  Fed norm(const Chunks& shift_and_scale, bool fp8) {
    return norm(shift_and_scale, 0, tokens_, fp8);
  }
  Fed norm(const Chunks& shift_and_scale, int64_t first, int64_t count, bool fp8);
  void add_later(const Chunks& gate) { gate_ = gate; }
  void multiply(const Tensor& out, const Fed& x, const Linear& txt, const Linear& img,
                const Product& product = {}) const;
  Fp8Rows fp8_rows(int64_t rows, int64_t width) const;
  Fed quantise(const Tensor& first, const Tensor& second) const;
  Tensor attend_in(const Tensor& qkv, const Stream& txt, const Stream& img, int64_t first,
                   int64_t count);
  void keep_or_read(const Tensor& qkv);

  const int64_t heads_;
  const TransformerInput& input_;
  std::size_t modulated_ = 0;  // linears whose modulation was asked for
  std::size_t attended_ = 0;   // blocks
  int64_t batch_ = 0, text_ = 0, tokens_ = 0, width_ = 0, wide_ = 0;
  int64_t keys_ = 0;  // tokens that are attended to: those of a kept reference behind the others
  cudaStream_t stream_ = nullptr;
  Tensor vec_;                  // silu of it: [B, C]
  Tensor x_, normed_, branch_;  // [B, L, C]
  Tensor scratch_;              // [B * keys * (3*C + mlp)]
  Tensor bytes_, scales_;       // [B * L * (C + mlp)], [B * L]: what float8 products are fed
  std::optional<Chunks> gate_;  // of branch_, until it is added
};

Blocks::Blocks(const FastModel& model, const TransformerInput& input, const Tensor& vec)
    : heads_(model.heads),
      input_(input),
      batch_(input.img.size(0)),
      text_(input.txt.size(1)),
      tokens_(text_ + input.img.size(1)),
      width_(model.img_in.weight.size(0)),
      wide_(3 * width_ + model.double_blocks.front().img.mlp_in.weight.size(0)),
      keys_(tokens_ + (input.kept != nullptr && input.kept->is_read ? input.kept->tokens : 0)),
      stream_(current_stream(input.img.device())),
      vec_(vec.defined() ? vec.contiguous() : vec) {
  x_ = at::empty({batch_, tokens_, width_}, input.img.options());
  normed_ = at::empty_like(x_);
  branch_ = at::empty_like(x_);
  scratch_ = at::empty({batch_ * keys_ * wide_}, input.img.options());
  if (has_fp8(model)) {
    bytes_ = at::empty({batch_ * tokens_ * (wide_ - 2 * width_)}, x_.options().dtype(at::kByte));
    scales_ = at::empty({batch_ * tokens_}, x_.options().dtype(at::kFloat));
  }
  for (int64_t b = 0; b < batch_; ++b) {
    multiply_into(x_[b].slice(0, 0, text_), input.txt[b], model.txt_in);
    multiply_into(x_[b].slice(0, text_), input.img[b], model.img_in);
  }
}

Tensor Blocks::modulate(const Linear& linear) {
  const int64_t out = linear.weight.size(0);
  if (!vec_.defined())
    return input_.conditions->modulations.at(modulated_++).slice(0, input_.step, input_.step + 1);
  Tensor chunks = at::empty({batch_, out}, vec_.options());
  const Tensor weight = linear.weight_on(vec_.device());
  few_rows_product(address(chunks), address(vec_), address(weight), address(linear.bias), batch_,
                   out, width_, stream_);
  return chunks;
}

Fp8Rows Blocks::fp8_rows(int64_t rows, int64_t width) const {
  return {bytes_.slice(0, 0, rows * width).view({rows, width}), scales_.slice(0, 0, rows)};
}

// Adds the branch that waits, and norms. A part of the tokens: of one batch only.
Fed Blocks::norm(const Chunks& shift_and_scale, int64_t first, int64_t count, bool fp8) {
  const int64_t skipped = first * width_;
  NormRows rows;
  rows.x = address(x_) + skipped;
  rows.normed = address(normed_) + skipped;
  rows.batch = batch_;
  rows.tokens = count;
  rows.text_tokens = std::max<int64_t>(0, text_ - first);
  rows.width = width_;
  rows.txt = shift_and_scale.side(shift_and_scale.txt, width_);
  rows.img = shift_and_scale.side(shift_and_scale.img, width_);
  if (gate_) {
    rows.branch = address(branch_) + skipped;
    const SideModulation txt = gate_->side(gate_->txt, width_),
                         img = gate_->side(gate_->img, width_);
    rows.txt.gate = txt.gate;
    rows.txt.gate_stride = txt.gate_stride;
    rows.img.gate = img.gate;
    rows.img.gate_stride = img.gate_stride;
  }
  Fed fed;
  if (fp8) {
    fed.fp8 = fp8_rows(batch_ * tokens_, width_);
    rows.normed = nullptr;
    rows.bytes = fed.fp8.bytes.data_ptr<std::uint8_t>() + skipped;
    rows.scales = fed.fp8.scales.data_ptr<float>() + first;
  } else {
    fed.x = normed_.flatten(0, 1);
  }
  norm_rows(rows, stream_);
  gate_.reset();
  return fed;
}

// Rows of first as they are, then GELU of second's; one of them may be undefined. What bytes_ held
// before was read by then.
Fed Blocks::quantise(const Tensor& first, const Tensor& second) const {
  QuantiseRows q;
  if (first.defined()) {
    q.first = address(first);
    q.first_stride = first.stride(0);
    q.first_width = first.size(1);
  }
  if (second.defined()) {
    q.second = address(second);
    q.second_stride = second.stride(0);
    q.second_width = second.size(1);
  }
  q.rows = first.defined() ? first.size(0) : second.size(0);
  const Fp8Rows fp8 = fp8_rows(q.rows, q.first_width + q.second_width);
  q.bytes = fp8.bytes.data_ptr<std::uint8_t>();
  q.scales = fp8.scales.data_ptr<float>();
  quantise_rows(q, stream_);
  return {{}, fp8};
}

// Each stream by its own weights; out [B, L, …].
void Blocks::multiply(const Tensor& out, const Fed& x, const Linear& txt, const Linear& img,
                      const Product& product) const {
  for (int64_t b = 0; b < batch_; ++b) {
    const Tensor to = out[b];
    const int64_t begin = b * tokens_, middle = begin + text_, end = begin + tokens_;
    multiply_fed(to.slice(0, text_), x.rows(middle, end), img, product);
    multiply_fed(to.slice(0, 0, text_), x.rows(begin, middle), txt, product);
  }
}

// The reference's keys and values, which lie behind the others' in [B, keys, ...]: away for other
// steps, or from one. Kept as rows of k and v, [tokens, 2*C].
void Blocks::keep_or_read(const Tensor& qkv) {
  KeptReference* kept = input_.kept;
  if (kept == nullptr) return;
  const std::size_t block = attended_++;
  bf16* first = address(qkv) + (keys_ - kept->tokens) * qkv.stride(1) + width_;
  if (kept->is_read) {
    copy_rows(first, qkv.stride(1), address(kept->of.at(block)), 2 * width_, kept->tokens,
              2 * width_, stream_);
    return;
  }
  kept->of.resize(std::max(kept->of.size(), block + 1));
  if (!kept->of[block].defined())
    kept->of[block] = at::empty({kept->tokens, 2 * width_}, x_.options());
  copy_rows(address(kept->of[block]), 2 * width_, first, qkv.stride(1), kept->tokens, 2 * width_,
            stream_);
}

// qkv [B, keys, 3*C, or more] -> [B, count, C]. q and k are normed and turned in place.
Tensor Blocks::attend_in(const Tensor& qkv, const Stream& txt, const Stream& img, int64_t first,
                         int64_t count) {
  TurnHeads turn;
  turn.qkv = address(qkv);
  turn.row_stride = qkv.stride(1);
  turn.cos = input_.rope.cos.data_ptr<float>();
  turn.sin = input_.rope.sin.data_ptr<float>();
  turn.txt_q = address(txt.query_norm);
  turn.txt_k = address(txt.key_norm);
  turn.img_q = address(img.query_norm);
  turn.img_k = address(img.key_norm);
  turn.batch = batch_;
  turn.tokens = tokens_;
  turn.text_tokens = text_;
  turn.heads = heads_;
  turn.head_width = width_ / heads_;
  turn_heads(turn, stream_);
  keep_or_read(qkv);
  const auto parts =  // 3 x [B, H, L, D], views
      qkv.slice(-1, 0, 3 * width_)
          .unflatten(-1, {3, heads_, -1})
          .permute({2, 0, 3, 1, 4})
          .unbind(0);
  const Tensor out = std::get<0>(at::_scaled_dot_product_cudnn_attention(
      parts[0].slice(2, first, first + count), parts[1], parts[2], std::nullopt,
      /*compute_log_sumexp=*/false));
  return out.transpose(1, 2).flatten(2);  // no copy: cuDNN writes in the order of q's strides
}

void Blocks::run(const DoubleBlock& block) {
  Chunks chunks;
  chunks.txt = modulate(block.txt.mod);
  chunks.img = modulate(block.img.mod);
  const Tensor wide = scratch_.view({batch_, keys_, wide_});
  const Tensor qkv = wide.slice(-1, 0, 3 * width_),
               hidden = wide.slice(1, 0, tokens_).slice(-1, 3 * width_);
  multiply(qkv.slice(1, 0, tokens_), norm(chunks.at(0), block.img.qkv.is_fp8()), block.txt.qkv,
           block.img.qkv);
  const Tensor attention = attend_in(qkv, block.txt, block.img, 0, tokens_).flatten(0, 1);
  multiply(branch_, block.img.proj.is_fp8() ? quantise(attention, {}) : Fed{attention, {}},
           block.txt.proj, block.img.proj);
  add_later(chunks.at(2));
  const bool in_fp8 = block.img.mlp_in.is_fp8(), out_fp8 = block.img.mlp_out.is_fp8();
  multiply(hidden, norm(chunks.at(3), in_fp8), block.txt.mlp_in, block.img.mlp_in,
           {.gelu = !in_fp8 && !out_fp8});
  const Tensor rows = hidden.flatten(0, 1);  // no copy: batches lie one after the other
  if (in_fp8 && !out_fp8) gelu_in_place(rows);
  multiply(branch_, out_fp8 ? quantise({}, rows) : Fed{rows, {}}, block.txt.mlp_out,
           block.img.mlp_out);
  add_later(chunks.at(5));
}

// The product fills [q, k, v, mlp]; once attention has read v, its place takes what attention gave,
// and [attention, mlp] lie side by side.
void Blocks::run(const SingleBlock& block, int64_t first, int64_t count) {
  const Tensor modulation = modulate(block.modulation);
  const Chunks chunks{modulation, modulation};
  const Tensor wide = scratch_.view({batch_ * keys_, wide_}).slice(0, 0, batch_ * tokens_);
  const Tensor qkv = wide.slice(1, 0, 3 * width_);
  const int64_t row_count = batch_ * count;  // where it is a part, of one batch
  const auto some = [&](const Tensor& all) { return all.slice(0, first, first + row_count); };
  const bool in_fp8 = block.linear1.is_fp8(), out_fp8 = block.linear2.is_fp8();
  const Fed rows = norm(chunks.at(0), in_fp8);
  const Fed some_rows = rows.rows(first, first + row_count);
  const auto part = [&](int64_t begin, int64_t end) { return rows_of(block.linear1, begin, end); };
  if (count == tokens_) {
    multiply_fed(qkv, rows, part(0, 3 * width_));
  } else {
    multiply_fed(some(wide.slice(1, 0, width_)), some_rows, part(0, width_));
    multiply_fed(wide.slice(1, width_, 3 * width_), rows, part(width_, 3 * width_));
  }
  const Tensor hidden = some(wide.slice(1, 3 * width_));
  multiply_fed(hidden, some_rows, part(3 * width_, wide_), {.gelu = !in_fp8 && !out_fp8});
  Stream norms;
  norms.query_norm = block.query_norm;
  norms.key_norm = block.key_norm;
  const Tensor attention =
      attend_in(scratch_.view({batch_, keys_, wide_}), norms, norms, first, count).flatten(0, 1);
  Fed joined;
  if (out_fp8) {
    joined = quantise(attention, hidden);
  } else {
    if (in_fp8) gelu_in_place(hidden);
    copy_rows(address(wide) + first * wide_ + 2 * width_, wide_, address(attention), width_,
              row_count, width_, stream_);
    joined.x = some(wide.slice(1, 2 * width_));
  }
  multiply_fed(some(branch_.flatten(0, 1)), joined, block.linear2);
  add_later(chunks.at(2));
}

Tensor Blocks::finish(const Linear& final_modulation, int64_t first, int64_t count) {
  const Tensor modulation = modulate(final_modulation);  // shift, scale
  norm(Chunks{modulation, modulation}, first, count, /*fp8=*/false);
  return normed_;
}

bool is_wide(int64_t width) { return width % 8 == 0; }

thread_local int plain_only = 0;

}  // namespace

PlainOnly::PlainOnly() { ++plain_only; }
PlainOnly::~PlainOnly() { --plain_only; }
bool PlainOnly::lives() { return plain_only > 0; }

bool is_fast(const FastModel& model, const TransformerInput& input) {
  const Tensor& img = input.img;
  if (at::GradMode::is_enabled()) return false;
  if (!img.is_cuda() || img.scalar_type() != at::kBFloat16 || PlainOnly::lives()) return false;
  const int64_t width = model.img_in.weight.size(0), head_width = width / model.heads;
  const int64_t hidden = model.double_blocks.front().img.mlp_in.weight.size(0);
  // One buffer serves all blocks.
  const auto same_double = [&](const DoubleBlock& block) {
    const Stream &a = block.img, &b = block.txt;
    if (a.qkv.is_fp8() != b.qkv.is_fp8() || a.proj.is_fp8() != b.proj.is_fp8() ||
        a.mlp_in.is_fp8() != b.mlp_in.is_fp8() || a.mlp_out.is_fp8() != b.mlp_out.is_fp8())
      return false;
    return block.img.mlp_in.weight.size(0) == hidden && block.txt.mlp_in.weight.size(0) == hidden;
  };
  const auto same_single = [&](const SingleBlock& block) {
    return block.linear1.weight.size(0) == 3 * width + hidden;
  };
  return is_head_width(head_width) && is_wide(width) && width <= kNormWidthMax && is_wide(hidden) &&
         std::ranges::all_of(model.double_blocks, same_double) &&
         std::ranges::all_of(model.single_blocks, same_single) && is_wide(img.size(2)) &&
         is_wide(input.txt.size(2));
}

Tensor run_blocks(const FastModel& model, const TransformerInput& input, const Tensor& vec) {
  const c10::DeviceGuard guard(input.img.device());
  TransformerInput dense = input;
  dense.img = input.img.contiguous();
  dense.txt = input.txt.contiguous();
  Blocks blocks(model, dense, vec);
  for (const DoubleBlock& block : model.double_blocks) blocks.run(block);
  const int64_t text = input.txt.size(1), tokens = text + input.img.size(1);
  const int64_t wanted = input.wanted < 0 ? input.img.size(1) : input.wanted;
  const bool is_one = input.img.size(0) == 1;
  const int64_t first = is_one ? text : 0, count = is_one ? wanted : tokens;
  for (const SingleBlock& block : model.single_blocks) {
    const bool is_last = &block == &model.single_blocks.back();
    blocks.run(block, is_last ? first : 0, is_last ? count : tokens);
  }
  return blocks.finish(model.final_modulation, first, count).slice(1, text, text + wanted);
}

Conditions make_conditions(const FastModel& model, const Tensor& vec) {
  Conditions conditions;  // in the order that Blocks asks
  const auto add = [&](const Linear& linear) { conditions.modulations.push_back(linear(vec)); };
  for (const DoubleBlock& block : model.double_blocks) {
    add(block.txt.mod);
    add(block.img.mod);
  }
  for (const SingleBlock& block : model.single_blocks) add(block.modulation);
  add(model.final_modulation);
  return conditions;
}

}  // namespace pirouette::flux::cuda
