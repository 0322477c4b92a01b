#include "worker/train/lora_task.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "worker/flux/part_weights.h"
#include "worker/flux/storage/model_source.h"
#include "worker/train/lora_files.h"

namespace pirouette::train {
namespace {

class LoraTask : public Task {
 public:
  // scale: the adapters'; seed: of its draws.
  LoraTask(Parameters parameters, TrainedLora lora, std::shared_ptr<double> scale,
           std::uint64_t seed, Denoiser denoiser, at::ScalarType dtype)
      : parameters_(std::move(parameters)),
        lora_(std::move(lora)),
        scale_(std::move(scale)),
        seed_(seed),
        denoiser_(std::move(denoiser)),
        dtype_(dtype) {}

  Parameters& parameters() override { return parameters_; }
  Result<Tensor> learn(std::uint64_t number) override {
    *scale_ = lora_.options.scale() * share_of_scale(lora_.options, seed_, number);
    return denoiser_.learn(number);
  }
  Result<Image> show() override {
    *scale_ = lora_.options.scale();
    return denoiser_.show();
  }
  Result<void> save(const std::filesystem::path& folder, const Tensors& learnt) override {
    return save_lora(folder, lora_, learnt, dtype_);
  }

 private:
  Parameters parameters_;
  TrainedLora lora_;
  std::shared_ptr<double> scale_;
  std::uint64_t seed_;
  Denoiser denoiser_;
  at::ScalarType dtype_;
};

std::map<std::string, std::string> describe(const DenoiserOptions& options,
                                            const std::string& base) {
  return {{"software", "Pirouette"},
          {"ss_sd_model_name", base},
          {"ss_resolution",
           std::to_string(options.size.width) + 'x' + std::to_string(options.size.height)},
          {"ss_batch_size_per_device", std::to_string(options.batch)},
          {"ss_seed", std::to_string(options.seed)}};
}

}  // namespace

Result<std::unique_ptr<Task>> make_lora_task(const ModelOptions& model, const LoraOptions& lora,
                                             const DenoiserOptions& denoiser,
                                             const Dataset& dataset) {
  if (lora.rank < 1) return Error{Errc::invalid, "--rank must be at least 1"};
  const flux::ModelSource source = TRY(flux::find_model(model.path, model.tokenizers));
  flux::Weights weights = TRY(flux::load_part(source.transformer, model.dtype, model.device));
  TrainedLora trained{lora, TRY(choose_targets(weights.tensors(), lora.target_modules)),
                      model.path.filename().string(),
                      describe(denoiser, model.path.filename().string())};
  Parameters parameters;
  const Tensors factors = lora.network_weights.empty()
                              ? new_factors(trained.targets, lora, denoiser.seed)
                              : TRY(load_factors(lora.network_weights, trained.targets, lora));
  const auto scale = std::make_shared<double>(lora.scale());
  adapt(weights, trained.targets, scale, factors, parameters, model.dtype, model.device);
  DenoiserModel parts{TRY(flux::Transformer::load(std::move(weights), source.numbers.axes)),
                      TRY(flux::Autoencoder::load(
                          TRY(flux::load_part(source.autoencoder, model.dtype, model.device)),
                          source.numbers.autoencoder)),
                      TRY(Prompts::make(source, dataset.prompts(), model.sequence_length,
                                        model.dtype, model.device)),
                      source.numbers.shift,
                      model.dtype,
                      model.device};
  std::unique_ptr<Task> task =
      std::make_unique<LoraTask>(std::move(parameters), std::move(trained), scale, denoiser.seed,
                                 Denoiser(std::move(parts), dataset, denoiser), model.dtype);
  return task;
}

}  // namespace pirouette::train
