#include "worker/flux/autoencoder.h"

#include <algorithm>
#include <utility>

#ifdef PIROUETTE_CUDA
#include "worker/flux/cuda/fast_autoencoder.h"
#endif

namespace pirouette::flux {
namespace {

Result<ResnetBlock> take_resnet(Weights& w, const std::string& name) {
  ResnetBlock b;
  b.norm1 = TRY(w.take_group_norm(name + ".norm1", -1));
  b.conv1 = TRY(w.take_conv(name + ".conv1", -1, b.norm1.weight.size(0), 3));
  const int64_t out = b.conv1.weight.size(0);
  b.norm2 = TRY(w.take_group_norm(name + ".norm2", out));
  b.conv2 = TRY(w.take_conv(name + ".conv2", out, out, 3));
  b.conv1.padding = b.conv2.padding = 1;
  if (w.contains(name + ".nin_shortcut.weight") || out != b.conv1.weight.size(1))
    b.shortcut = TRY(w.take_conv(name + ".nin_shortcut", out, b.conv1.weight.size(1), 1));
  return b;
}

Result<Middle> take_middle(Weights& w, const std::string& name) {
  Middle m;
  m.block_1 = TRY(take_resnet(w, name + ".block_1"));
  const std::string attn = name + ".attn_1.";
  m.attention.norm = TRY(w.take_group_norm(attn + "norm", -1));
  const int64_t width = m.attention.norm.weight.size(0);
  m.attention.q = TRY(w.take_conv(attn + "q", width, width, 1));
  m.attention.k = TRY(w.take_conv(attn + "k", width, width, 1));
  m.attention.v = TRY(w.take_conv(attn + "v", width, width, 1));
  m.attention.proj_out = TRY(w.take_conv(attn + "proj_out", width, width, 1));
  m.block_2 = TRY(take_resnet(w, name + ".block_2"));
  return m;
}

Result<Level> take_level(Weights& w, const std::string& name, bool encoder) {
  Level level;
  for (int i = 0;; ++i) {
    const std::string block = name + ".block." + std::to_string(i);
    if (i > 0 && !w.contains(block + ".conv1.weight")) break;
    level.blocks.push_back(TRY(take_resnet(w, block)));
  }
  const std::string resample = name + (encoder ? ".downsample.conv" : ".upsample.conv");
  if (w.contains(resample + ".weight")) {
    level.resample = TRY(w.take_conv(resample, -1, -1, 3));
    level.resample->stride = encoder ? 2 : 1;
    level.resample->padding = encoder ? 0 : 1;
  }
  return level;
}

int count_levels(const Weights& w, const std::string& prefix) {
  int levels = 0;
  while (w.contains(prefix + std::to_string(levels) + ".block.0.conv1.weight")) ++levels;
  return levels;
}

// Those of 32 groups are FLUX.1's; a small model's few channels want fewer.
Result<void> set_groups(GroupNorm& norm, int64_t groups, const std::string& source) {
  const int64_t channels = norm.weight.size(0);
  if (channels % groups != 0)
    return Error{Errc::invalid, source + ": " + std::to_string(channels) +
                                    " channels do not make norm_num_groups, " +
                                    std::to_string(groups) + ", of one size"};
  norm.groups = groups;
  return {};
}

Result<void> set_groups(ResnetBlock& block, int64_t groups, const std::string& source) {
  TRY(set_groups(block.norm1, groups, source));
  return set_groups(block.norm2, groups, source);
}

Tensor run(const std::vector<ResnetBlock>& blocks, Tensor x) {
  for (const ResnetBlock& block : blocks) x = block(x);
  return x;
}

Tensor normed_silu(const GroupNorm& norm, const Tensor& x) {
#ifdef PIROUETTE_CUDA
  if (cuda::is_fast(x, norm)) return cuda::norm_silu(norm, x);
#endif
  return at::silu(norm(x));
}

// Halves by a convolution that looks one cell further right and down.
Tensor downsample(const Tensor& x, const Conv2d& conv) {
  return conv(at::constant_pad_nd(x, {0, 1, 0, 1}, 0));
}

Tensor upsample(const Tensor& x, const Conv2d& conv) {
  return conv(at::upsample_nearest2d(x, {x.size(2) * 2, x.size(3) * 2}));
}

}  // namespace

Tensor ResnetBlock::operator()(const Tensor& x) const {
#ifdef PIROUETTE_CUDA
  if (cuda::is_fast(x, norm1) && cuda::is_fast(x, norm2)) return cuda::run(*this, x);
#endif
  const Tensor h = conv2(at::silu(norm2(conv1(at::silu(norm1(x))))));
  return (shortcut ? (*shortcut)(x) : x) + h;
}

Tensor AttentionBlock::operator()(const Tensor& x) const {
#ifdef PIROUETTE_CUDA
  if (cuda::is_fast(x, norm)) return cuda::run(*this, x);
#endif
  const Tensor normed = norm(x);
  const auto tokens = [&](const Conv2d& projection) {  // [B, C, h, w] -> [B, 1, h*w, C]
    return projection(normed).flatten(2).transpose(1, 2).unsqueeze(1);
  };
  const Tensor out = attend(tokens(q), tokens(k), tokens(v));
  return x + proj_out(out.squeeze(1).transpose(1, 2).reshape(x.sizes()));
}

Tensor Middle::operator()(const Tensor& x) const { return block_2(attention(block_1(x))); }

Result<Autoencoder::Side> Autoencoder::take_side(Weights& w, bool encoder) {
  const std::string side = encoder ? "encoder." : "decoder.";
  const std::string levels = side + (encoder ? "down." : "up.");
  const int count = count_levels(w, levels);
  Side s;
  s.conv_in = TRY(w.take_conv(side + "conv_in", -1, -1, 3));
  s.middle = TRY(take_middle(w, side + "mid"));
  for (int i = 0; i < count; ++i)
    s.levels.push_back(TRY(take_level(w, levels + std::to_string(i), encoder)));
  if (!encoder) std::ranges::reverse(s.levels);
  s.norm_out = TRY(w.take_group_norm(side + "norm_out", -1));
  s.conv_out = TRY(w.take_conv(side + "conv_out", -1, s.norm_out.weight.size(0), 3));
  s.conv_in.padding = s.conv_out.padding = 1;

  bool resamples = count > 0;  // between levels, and not after the last
  for (int i = 0; i < count; ++i)
    resamples =
        resamples && s.levels[static_cast<std::size_t>(i)].resample.has_value() == (i + 1 < count);
  if (!resamples)
    return Error{Errc::invalid, w.source() + ": the levels of the autoencoder's " + side +
                                    " are not those of FLUX.1"};
  return s;
}

Weights Autoencoder::laid_out(Weights weights) {
  Tensors tensors = weights.tensors();
  for (auto& [name, tensor] : tensors)
    if (tensor.is_cuda() && tensor.dim() == 4)
      tensor = tensor.contiguous(at::MemoryFormat::ChannelsLast);
  return Weights(std::move(tensors), weights.source());
}

Result<Autoencoder> Autoencoder::load(Weights weights, AutoencoderNumbers numbers) {
  weights = laid_out(std::move(weights));
  Autoencoder a;
  a.numbers_ = numbers;
  a.encoder_ = TRY(take_side(weights, /*encoder=*/true));
  a.decoder_ = TRY(take_side(weights, /*encoder=*/false));
  for (Side* side : {&a.encoder_, &a.decoder_}) {
    for (Level& level : side->levels)
      for (ResnetBlock& block : level.blocks)
        TRY(set_groups(block, numbers.norm_groups, weights.source()));
    for (ResnetBlock* block : {&side->middle.block_1, &side->middle.block_2})
      TRY(set_groups(*block, numbers.norm_groups, weights.source()));
    for (GroupNorm* norm : {&side->middle.attention.norm, &side->norm_out})
      TRY(set_groups(*norm, numbers.norm_groups, weights.source()));
  }
  if (a.encoder_.conv_out.weight.size(0) != 2 * a.latent_channels())
    return Error{Errc::invalid, weights.source() + ": encoder and decoder do not fit together"};
  TRY(weights.finish());
  return a;
}

Tensor Autoencoder::encode_moments(const Tensor& pictures) const {
  Tensor x = encoder_.conv_in(pictures);
  for (const Level& level : encoder_.levels) {
    x = run(level.blocks, std::move(x));
    if (level.resample) x = downsample(x, *level.resample);
  }
  x = encoder_.middle(x);
  return encoder_.conv_out(normed_silu(encoder_.norm_out, x));
}

Tensor Autoencoder::encode_mean(const Tensor& pictures) const {
  return encode_moments(pictures).chunk(2, 1)[0];
}

Tensor Autoencoder::decode_raw(const Tensor& latents) const {
  Tensor x = decoder_.middle(decoder_.conv_in(latents));
  for (const Level& level : decoder_.levels) {
    x = run(level.blocks, std::move(x));
    if (level.resample) x = upsample(x, *level.resample);
  }
  return decoder_.conv_out(normed_silu(decoder_.norm_out, x));
}

Tensor Autoencoder::encode(const Tensor& pictures) const {
  return (encode_mean(pictures) - numbers_.shift) * numbers_.scale;
}

Tensor Autoencoder::decode(const Tensor& latents) const {
  return decode_raw(latents / numbers_.scale + numbers_.shift);
}

}  // namespace pirouette::flux
