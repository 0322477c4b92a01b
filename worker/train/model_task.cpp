#include "worker/train/model_task.h"

#include <utility>

#include "worker/flux/part_weights.h"
#include "worker/flux/storage/model_source.h"
#include "worker/train/model_folder.h"

namespace pirouette::train {
namespace {

class ModelTask : public Task {
 public:
  ModelTask(Parameters parameters, ModelFolder folder, Denoiser denoiser, at::ScalarType dtype)
      : parameters_(std::move(parameters)),
        folder_(std::move(folder)),
        denoiser_(std::move(denoiser)),
        dtype_(dtype) {}

  Parameters& parameters() override { return parameters_; }
  Result<Tensor> learn(std::uint64_t number) override { return denoiser_.learn(number); }
  Result<Image> show() override { return denoiser_.show(); }
  Result<void> save(const std::filesystem::path& folder, const Tensors& learnt) override {
    return folder_.save(folder / "model", learnt, dtype_);
  }

 private:
  Parameters parameters_;
  ModelFolder folder_;
  Denoiser denoiser_;
  at::ScalarType dtype_;
};

}  // namespace

Result<std::unique_ptr<Task>> make_model_task(const ModelOptions& model, bool train_text_encoders,
                                              const DenoiserOptions& denoiser,
                                              const Dataset& dataset) {
  ModelFolder folder = TRY(ModelFolder::open(model.path));
  const flux::ModelSource& source = folder.source();
  const flux::Weights stored = TRY(flux::load_part(source.transformer, model.dtype, model.device));
  Tensors tensors = stored.tensors();
  Parameters parameters;
  parameters.add_all("transformer.", tensors, model.dtype);
  Prompts prompts = train_text_encoders
                        ? TRY(Prompts::train_with(source, parameters, model.sequence_length,
                                                  model.dtype, model.device))
                        : TRY(Prompts::make(source, dataset.prompts(), model.sequence_length,
                                            model.dtype, model.device));
  DenoiserModel parts{TRY(flux::Transformer::load(
                          flux::Weights(std::move(tensors), stored.source()), source.numbers.axes)),
                      TRY(flux::Autoencoder::load(
                          TRY(flux::load_part(source.autoencoder, model.dtype, model.device)),
                          source.numbers.autoencoder)),
                      std::move(prompts),
                      source.numbers.shift,
                      model.dtype,
                      model.device};
  std::unique_ptr<Task> task =
      std::make_unique<ModelTask>(std::move(parameters), std::move(folder),
                                  Denoiser(std::move(parts), dataset, denoiser), model.dtype);
  return task;
}

}  // namespace pirouette::train
