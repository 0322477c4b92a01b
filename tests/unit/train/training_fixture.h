#pragma once
// What the trainer's tests share: the tiny model, examples made of its pictures, a folder that goes
// away.

#include <memory>

#include "tests/golden/golden.h"
#include "tests/golden/pictures.h"
#include "tests/support/folder.h"
#include "worker/train/dataset.h"
#include "worker/train/denoiser.h"
#include "worker/train/lora_task.h"
#include "worker/train/training.h"

namespace pirouette::train {

using flux::golden::get;

using Folder = TestFolder;

// Two examples, over and over; each turned by its index, so that no two are the same for long.
class FewPictures : public Dataset {
 public:
  Result<Example> at(std::uint64_t index, Rng& rng) const override {
    Example example;
    example.reference = flux::golden::load_png(flux::golden::folder() / "reference_64x96.png");
    example.target = example.reference;
    const auto brighter = static_cast<int>(rng.below(40));
    for (auto& byte : example.target.pixels)
      byte = static_cast<std::uint8_t>(std::min(255, byte + brighter));
    example.prompt = prompts()[index % 2];
    return example;
  }
  std::vector<std::string> prompts() const override { return {"front view", "back view"}; }
};

inline ModelOptions tiny_model(at::ScalarType dtype = at::kFloat) {
  ModelOptions model;
  model.path = flux::golden::folder();
  model.dtype = dtype;
  model.sequence_length = 16;
  return model;
}

inline DenoiserOptions tiny_denoiser() {
  DenoiserOptions options;
  options.size = {64, 96};
  options.seed = 5;
  options.shown = 1;
  options.steps = 2;
  return options;
}

inline LoraOptions tiny_lora() { return {4, 8, {"all-linear"}, {}}; }

inline TrainingOptions quick_training(const std::filesystem::path& out, std::int64_t steps) {
  TrainingOptions options;
  options.output_dir = out;
  options.max_train_steps = steps;
  options.learning_rate.base = 1e-2;
  options.learning_rate.train_steps = steps;
  return options;
}

}  // namespace pirouette::train
