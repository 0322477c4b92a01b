#pragma once
// The trainer's command line. Options have Hugging Face's and PEFT's names where those have one for
// the same thing (diffusers' train_dreambooth_lora_flux_kontext.py, PEFT's LoraConfig).

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "worker/train/dataset.h"
#include "worker/train/denoiser.h"
#include "worker/train/folder_dataset.h"
#include "worker/train/model_options.h"
#include "worker/train/training.h"

namespace pirouette::train {

// What all three trainings are told, as text where it has to be understood first.
struct CommonOptions {
  std::filesystem::path model, tokenizers, train_data_dir, output_dir;
  Columns columns;
  std::string resolution = "512";
  std::uint64_t characters = 0;  // drawn ones instead of a folder
  std::uint64_t seed = 0;
  std::uint64_t train_batch_size = 1;
  std::string mixed_precision = "no", device = "cpu", lr_scheduler = "constant";
  int threads = 0;
  int dataloader_num_workers = 0;  // set to the cores
  std::string examples;            // edits or turns, of the drawn characters
  TrainingOptions training;

  // examples_by_default: what drawn characters are for.
  void add_to(CLI::App& command, const std::string& examples_by_default);
  Result<ModelOptions> model_options() const;
  Result<TrainingOptions> training_options() const;
  Result<flux::Size> size() const;
  // with_masks: of drawn examples, where that is another picture to draw.
  Result<std::unique_ptr<Dataset>> open_dataset(bool with_masks = false) const;
};

// What the two that denoise are told besides.
struct DenoisingOptions {
  std::string weighting_scheme = "logit_normal";
  FlowOptions flow;
  double guidance_scale = 3.5, mask_weight = 1;
  bool gradient_checkpointing = false;
  std::uint64_t echoing_factor = 1, shuffle_buffer_size = 4096;
  int max_sequence_length = 512;
  std::int64_t num_validation_images = 4;
  int num_inference_steps = 24;

  void add_to(CLI::App& command);
  Result<DenoiserOptions> denoiser_options(const CommonOptions& common) const;
};

// "832x1248", or "512" for a square; multiples of 16.
Result<flux::Size> parse_resolution(const std::string& text);

}  // namespace pirouette::train
