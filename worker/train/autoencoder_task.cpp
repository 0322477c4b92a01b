#include "worker/train/autoencoder_task.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/files.h"
#include "worker/flux/autoencoder.h"
#include "worker/flux/part_weights.h"
#include "worker/flux/storage/config.h"
#include "worker/flux/to_device.h"
#include "worker/train/batch_queue.h"
#include "worker/train/chance.h"
#include "worker/train/model_folder.h"

namespace pirouette::train {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kScalingBatches = 16;  // that the latents' mean and deviation are of
// Below the first float32 cannot follow. The second is 0.14 of noise: a new encoder's latents are
// so small that the noise of a variance of 1 would hide all but the strongest of what they say,
// hues first, for thousands of steps.
constexpr double kLogVarianceMin = -30, kLogVarianceMax = -4;

// Sobel's: how bright each colour changes to the right, and down: [B, 3, H, W] -> two of
// [B, 3, H-2, W-2].
std::array<Tensor, 2> sobel(const Tensor& pictures) {
  const int64_t height = pictures.size(2), width = pictures.size(3);
  const Tensor left = pictures.slice(3, 0, width - 2), right = pictures.slice(3, 2, width);
  const Tensor above = pictures.slice(2, 0, height - 2), below = pictures.slice(2, 2, height);
  const Tensor across = right - left, down = below - above;
  return {
      (across.slice(2, 0, height - 2) + 2 * across.slice(2, 1, height - 1) +
       across.slice(2, 2, height)) /
          8,
      (down.slice(3, 0, width - 2) + 2 * down.slice(3, 1, width - 1) + down.slice(3, 2, width)) /
          8};
}

class AutoencoderTask : public Task {
 public:
  AutoencoderTask(Parameters parameters, ModelFolder folder, flux::Autoencoder autoencoder,
                  const ModelOptions& model, const AutoencoderOptions& options,
                  const Dataset& dataset)
      : parameters_(std::move(parameters)),
        folder_(std::move(folder)),
        autoencoder_(std::move(autoencoder)),
        model_(model),
        options_(options),
        dataset_(dataset),
        batches_(dataset, BatchQueueOptions{options.seed, options.batch, options.size,
                                            options.workers, model.device.is_cuda()}) {}

  Parameters& parameters() override { return parameters_; }
  Result<Tensor> learn(std::uint64_t number) override;
  Result<Image> show() override;
  Result<void> save(const fs::path& folder, const Tensors& learnt) override;

 private:
  Result<Tensor> pictures(std::uint64_t number);
  Tensor error(const Tensor& a, const Tensor& b) const {
    return options_.squared ? (a - b).square().mean() : (a - b).abs().mean();
  }
  // Sobel's operator is linear: the edges' difference is the difference's edges.
  Tensor edge_error(const Tensor& difference) const {
    const auto [across, down] = sobel(difference);
    const auto size = [&](const Tensor& x) { return options_.squared ? x.square() : x.abs(); };
    return (size(across).mean() + size(down).mean()) / 2;
  }
  Result<void> write_scaling(const fs::path& config);

  Parameters parameters_;
  ModelFolder folder_;
  flux::Autoencoder autoencoder_;
  ModelOptions model_;
  AutoencoderOptions options_;
  const Dataset& dataset_;
  BatchQueue batches_;
};

// Targets, then references: [2B, 3, H, W].
Result<Tensor> AutoencoderTask::pictures(std::uint64_t number) {
  const Batch batch = TRY(batches_.take(number));
  return at::cat({to_pictures(batch.targets, model_.device, model_.dtype),
                  to_pictures(batch.references, model_.device, model_.dtype)});
}

Result<Tensor> AutoencoderTask::learn(std::uint64_t number) {
  const Tensor shown = TRY(pictures(number));
  const auto moments = autoencoder_.encode_moments(shown).chunk(2, 1);
  const Tensor mean = moments[0].to(at::kFloat);
  const Tensor log_variance = moments[1].to(at::kFloat).clamp(kLogVarianceMin, kLogVarianceMax);
  const Tensor noise = normal(mean.sizes(), generator_of(options_.seed, Draw::latent, number));
  const Tensor latents = mean + at::exp(0.5 * log_variance) * flux::to_device(noise, model_.device);
  const Tensor made = autoencoder_.decode_raw(latents.to(model_.dtype)).to(at::kFloat);
  const Tensor wanted = shown.to(at::kFloat);

  const Tensor kl = 0.5 * (mean.square() + at::exp(log_variance) - 1 - log_variance).sum() /
                    static_cast<double>(shown.size(0));
  const Tensor loss = error(made, wanted) + options_.kl_weight * kl +
                      options_.gradient_weight * edge_error(made - wanted);
  loss.backward();
  return loss.detach();
}

// Above each other: a picture, and what comes back of it.
Result<Image> AutoencoderTask::show() {
  const at::NoGradGuard no_grad;
  std::vector<Tensor> rows;
  for (std::int64_t i = 0; i < options_.shown; ++i) {
    const Batch batch =
        TRY(draw_batch(dataset_, options_.seed, static_cast<std::uint64_t>(i), 1, options_.size));
    const Tensor shown = to_pictures(batch.targets, model_.device, model_.dtype);
    rows.push_back(shown.to(at::kFloat).cpu());
    rows.push_back(autoencoder_.decode_raw(autoencoder_.encode_mean(shown)).to(at::kFloat).cpu());
  }
  constexpr std::int64_t kColumns = 2;
  return make_grid(at::cat(rows), kColumns);
}

Result<void> AutoencoderTask::write_scaling(const fs::path& path) {
  const at::NoGradGuard no_grad;
  std::vector<Tensor> latents;
  for (std::uint64_t number = 0; number < kScalingBatches; ++number)
    latents.push_back(
        autoencoder_.encode_mean(TRY(pictures(number))).to(at::kDouble).flatten().cpu());
  const Tensor all = at::cat(latents);
  nlohmann::json config = TRY(flux::load_config(path));
  config["shift_factor"] = all.mean().item<double>();
  config["scaling_factor"] = 1 / all.std().item<double>();
  return write_file_durably(path, config.dump(2) + '\n');
}

Result<void> AutoencoderTask::save(const fs::path& folder, const Tensors& learnt) {
  TRY(folder_.save(folder / "model", learnt, model_.dtype));
  return write_scaling(folder / "model" / "vae" / "config.json");
}

}  // namespace

Result<std::unique_ptr<Task>> make_autoencoder_task(const ModelOptions& model,
                                                    const AutoencoderOptions& options,
                                                    const Dataset& dataset) {
  ModelFolder folder = TRY(ModelFolder::open(model.path));
  // Laid out before they become leaves: a copy made afterwards would learn nothing.
  const flux::Weights stored = flux::Autoencoder::laid_out(
      TRY(flux::load_part(folder.source().autoencoder, model.dtype, model.device)));
  Tensors tensors = stored.tensors();
  Parameters parameters;
  parameters.add_all("vae.", tensors, model.dtype);
  flux::Autoencoder autoencoder = TRY(flux::Autoencoder::load(
      flux::Weights(std::move(tensors), stored.source()), folder.source().numbers.autoencoder));
  std::unique_ptr<Task> task = std::make_unique<AutoencoderTask>(
      std::move(parameters), std::move(folder), std::move(autoencoder), model, options, dataset);
  return task;
}

}  // namespace pirouette::train
