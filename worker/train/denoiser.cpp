#include "worker/train/denoiser.h"

#include <utility>

#include "worker/flux/sampler.h"
#include "worker/flux/to_device.h"
#include "worker/train/block_by_block.h"
#include "worker/train/chance.h"

namespace pirouette::train {

Denoiser::Denoiser(DenoiserModel model, const Dataset& dataset, const DenoiserOptions& options)
    : model_(std::move(model)), dataset_(dataset), options_(options) {
  PIROUETTE_CHECK(options.batch % options.echoing_factor == 0);
  const std::uint64_t fresh = options.batch / options.echoing_factor;
  batches_ = std::make_unique<BatchQueue>(
      dataset, BatchQueueOptions{options.seed, fresh, options.size, options.workers,
                                 model_.device.is_cuda()});
  if (fresh < options.batch)
    echoes_.emplace(EchoOptions{options.seed, options.batch, fresh, options.shuffle_buffer_size});
}

EncodedBatch Denoiser::encode(Batch batch) const {
  const at::NoGradGuard no_grad;
  const auto latents = [&](const Tensor& bytes) {
    return model_.autoencoder.encode(to_pictures(bytes, model_.device, model_.dtype));
  };
  Tensor targets = latents(batch.targets), references = latents(batch.references);
  const Tensor pixels =
      batch.masks.to(model_.device, /*non_blocking=*/true).unsqueeze(1).to(at::kFloat);
  Tensor masks = std::get<0>(at::adaptive_max_pool2d(pixels, targets.sizes().slice(2)));
  return {std::move(targets), std::move(references), std::move(masks), std::move(batch.prompts)};
}

Result<EncodedBatch> Denoiser::take(std::uint64_t number) {
  const auto fresh = [&](std::uint64_t n) -> Result<EncodedBatch> {
    return encode(TRY(batches_->take(n)));
  };
  return echoes_ ? echoes_->take(number, fresh) : fresh(number);
}

// sigmas [B] -> what the model is told of them: thousandths, rounded to its dtype, as in rendering.
Tensor Denoiser::told(const Tensor& sigmas) const {
  return flux::to_device((sigmas.to(at::kFloat) * 1000).to(model_.dtype), model_.device) / 1000;
}

// All but the noisy tokens and the timestep.
Result<flux::TransformerInput> Denoiser::make_input(const EncodedBatch& encoded) const {
  flux::TextEmbedding text = TRY(model_.prompts.of(encoded.prompts));
  flux::TransformerInput input;
  input.txt = std::move(text.sequence);
  input.pooled = std::move(text.pooled);
  input.guidance = at::full({encoded.targets.size(0)}, options_.guidance,
                            at::TensorOptions(model_.dtype).device(model_.device));
  const std::int64_t rows = encoded.targets.size(2) / 2, columns = encoded.targets.size(3) / 2;
  const Tensor ids = at::cat({at::zeros({input.txt.size(1), 3}), flux::make_ids(0, rows, columns),
                              flux::make_ids(1, rows, columns)});
  input.rope = flux::make_rope(flux::to_device(ids, model_.device), model_.transformer.rope_axes());
  input.wanted = rows * columns;
  return input;
}

Result<Tensor> Denoiser::learn(std::uint64_t number) {
  const EncodedBatch encoded = TRY(take(number));
  const Tensor clean = flux::pack_latents(encoded.targets.to(at::kFloat));  // [B, L, 4c]
  const std::int64_t tokens = clean.size(1);
  const Tensor noise = flux::to_device(
      normal(clean.sizes(), generator_of(options_.seed, Draw::noise, number)), model_.device);
  const Tensor sigmas = draw_sigmas(clean.size(0), options_.flow, tokens, model_.shift,
                                    generator_of(options_.seed, Draw::sigma, number));
  const Tensor weights =
      flux::to_device(loss_weights(sigmas, options_.flow.weighting), model_.device);
  const Mixed mixed = mix(clean, noise, sigmas);
  const Tensor places = place_weights(encoded.masks, encoded.targets.size(1), options_.mask_weight);

  flux::TransformerInput input = TRY(make_input(encoded));
  input.img = at::cat({mixed.noisy.to(model_.dtype), flux::pack_latents(encoded.references)}, 1);
  input.timestep = told(sigmas);
  const auto loss_of = [&](const Tensor& velocity) {
    const Tensor wrong = velocity.to(at::kFloat) - mixed.velocity;
    return ((wrong.square() * places).mean(at::IntArrayRef{1, 2}) * weights).mean();
  };
  const Tensor loss = options_.block_by_block
                          ? backward_block_by_block(model_.transformer, input, loss_of)
                          : backward_at_once(model_.transformer, input, loss_of);
  return loss;
}

// The sampler's loop, from one noise for each example -> pictures [B, 3, H, W].
Result<Tensor> Denoiser::draw(const EncodedBatch& encoded) const {
  flux::TransformerInput input = TRY(make_input(encoded));
  const std::int64_t height = encoded.targets.size(2), width = encoded.targets.size(3);
  const Tensor noise =
      normal(encoded.targets.sizes(), generator_of(options_.seed, Draw::sample, 0));
  const Tensor references = flux::pack_latents(encoded.references);
  Tensor latents = flux::pack_latents(noise).to(model_.device, model_.dtype);
  const std::int64_t tokens = latents.size(1);
  const std::vector<float> sigmas = flux::make_sigmas(options_.steps, tokens, model_.shift);
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    input.img = at::cat({latents, references}, 1);
    input.timestep = told(at::full({latents.size(0)}, sigmas[i], at::kFloat));
    const Tensor velocity = model_.transformer(input);
    latents = flux::euler_step(latents, velocity, sigmas[i], sigmas[i + 1]);
  }
  return model_.autoencoder.decode(flux::unpack_latents(latents, height, width));
}

Result<Image> Denoiser::show() const {
  const at::NoGradGuard no_grad;
  std::vector<Tensor> pictures;
  for (std::int64_t i = 0; i < options_.shown; ++i) {
    Batch batch =
        TRY(draw_batch(dataset_, options_.seed, static_cast<std::uint64_t>(i), 1, options_.size));
    for (const Tensor& bytes : {batch.references, batch.targets})
      pictures.push_back(to_pictures(bytes, at::kCPU, at::kFloat));
    pictures.push_back(TRY(draw(encode(std::move(batch)))).to(at::kFloat).cpu());
  }
  constexpr std::int64_t kColumns = 3;
  return make_grid(at::cat(pictures), kColumns);
}

}  // namespace pirouette::train
