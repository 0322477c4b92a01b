#include "worker/train/options.h"

#include <algorithm>
#include <thread>

#include "common/job/recipe.h"
#include "worker/flux/device.h"
#include "worker/train/edited_characters.h"
#include "worker/train/turning_characters.h"

namespace pirouette::train {
namespace {

// What data, which model, where to.
void add_files(CommonOptions& o, CLI::App& command) {
  command.add_option("--pretrained_model_name_or_path", o.model, "The model to begin with")
      ->required();
  CLI::Option* folder = command.add_option("--train_data_dir", o.train_data_dir,
                                           "Folder with metadata.jsonl and its pictures (PNG)");
  command.add_option("--characters", o.characters, "Learn from so many drawn characters instead")
      ->check(CLI::Range(1, 1'000'000'000))
      ->excludes(folder);
  command
      .add_option("--examples", o.examples,
                  "What is asked of them: edits (recolour, remove, add, shift … in the same view), "
                  "or turns to the eight views under the product's own prompts")
      ->check(CLI::IsMember({"edits", "turns"}))
      ->capture_default_str();
  command.add_option("--cond_image_column", o.columns.reference, "Of metadata.jsonl's rows")
      ->capture_default_str();
  command.add_option("--caption_column", o.columns.prompt)->capture_default_str();
  command.add_option("--image_column", o.columns.target)->capture_default_str();
  command.add_option("--output_dir", o.output_dir)->required();
  command
      .add_option("--resolution", o.resolution,
                  "WIDTHxHEIGHT, or one side of a square; multiples of 16")
      ->capture_default_str();
}

void add_steps(CommonOptions& o, CLI::App& command) {
  TrainingOptions& t = o.training;
  const CLI::Range positive(std::int64_t{1}, std::int64_t{1} << 40);
  command.add_option("--seed", o.seed)->capture_default_str();
  command.add_option("--train_batch_size", o.train_batch_size)
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command.add_option("--max_train_steps", t.max_train_steps)
      ->check(positive)
      ->capture_default_str();
  command.add_option("--gradient_accumulation_steps", t.gradient_accumulation_steps)
      ->check(positive)
      ->capture_default_str();
  command
      .add_option("--max_train_minutes", t.max_train_minutes,
                  "A checkpoint, and what was learnt saved, after so long; 0: no limit")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      .add_option("--checkpointing_steps", t.checkpointing_steps,
                  "A checkpoint to resume from after every so many steps; 0: none")
      ->capture_default_str();
  command.add_option("--checkpoints_total_limit", t.checkpoints_total_limit, "0: all stay")
      ->capture_default_str();
  command.add_option("--resume_from_checkpoint", t.resume_from_checkpoint,
                     "latest, or a checkpoint's folder");
  command
      .add_option("--validation_steps", t.validation_steps,
                  "A grid of samples after every so many steps; 0: none")
      ->capture_default_str();
}

void add_optimiser(CommonOptions& o, CLI::App& command) {
  TrainingOptions& t = o.training;
  command.add_option("--learning_rate", t.learning_rate.base)->capture_default_str();
  command.add_option("--lr_scheduler", o.lr_scheduler, "constant, constant_with_warmup or cosine")
      ->capture_default_str();
  command.add_option("--lr_warmup_steps", t.learning_rate.warmup_steps)->capture_default_str();
  command.add_option("--adam_beta1", t.adam.beta1)->capture_default_str();
  command.add_option("--adam_beta2", t.adam.beta2)->capture_default_str();
  command.add_option("--adam_weight_decay", t.adam.weight_decay)->capture_default_str();
  command.add_option("--adam_epsilon", t.adam.epsilon)->capture_default_str();
  command.add_option("--max_grad_norm", t.max_grad_norm, "0: no limit")->capture_default_str();
  command.add_flag("--use_ema", t.use_ema, "Show and save the running average");
  command.add_option("--ema_decay", t.ema_decay)->capture_default_str();
}

void add_machine(CommonOptions& o, CLI::App& command) {
  command.add_option("--mixed_precision", o.mixed_precision, "What the model computes in")
      ->check(CLI::IsMember({"no", "bf16"}))
      ->capture_default_str();
  command.add_option("--device", o.device, "cpu, cuda, cuda:1 …")->capture_default_str();
  command.add_option("--threads", o.threads, "CPU threads; 0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command
      .add_option("--dataloader_num_workers", o.dataloader_num_workers,
                  "Threads that draw or read examples ahead; 0: none")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
}

}  // namespace

Result<flux::Size> parse_resolution(const std::string& text) {
  const bool is_square = text.find('x') == text.npos;
  const auto size = flux::parse_reference_size(is_square ? text + 'x' + text : text);
  if (size.ok() && size.value().kind == flux::ReferenceSize::Kind::exact) return size.value().size;
  return Error{Errc::invalid, "--resolution " + text +
                                  " is not WIDTHxHEIGHT or one side, in multiples of " +
                                  std::to_string(flux::kTokenSide)};
}

void CommonOptions::add_to(CLI::App& command, const std::string& examples_by_default) {
  examples = examples_by_default;
  dataloader_num_workers = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  add_files(*this, command);
  add_steps(*this, command);
  add_optimiser(*this, command);
  add_machine(*this, command);
}

Result<ModelOptions> CommonOptions::model_options() const {
  ModelOptions options;
  options.path = model;
  if (!tokenizers.empty()) options.tokenizers = tokenizers;
  options.dtype = mixed_precision == "bf16" ? at::kBFloat16 : at::kFloat;
  options.device = TRY(flux::parse_device(device));
  flux::prepare(options.device);
  if (threads > 0) flux::set_threads(threads);
  return options;
}

Result<TrainingOptions> CommonOptions::training_options() const {
  TrainingOptions options = training;
  options.output_dir = output_dir;
  options.learning_rate.scheduler = TRY(parse_lr_scheduler(lr_scheduler));
  options.learning_rate.train_steps = training.max_train_steps;
  return options;
}

Result<flux::Size> CommonOptions::size() const { return parse_resolution(resolution); }

Result<std::unique_ptr<Dataset>> CommonOptions::open_dataset(bool with_masks) const {
  if (characters > 0)
    return examples == "edits" ? edited_characters(characters, TRY(size()))
                               : turning_characters(characters, TRY(size()), with_masks);
  if (train_data_dir.empty())
    return Error{Errc::invalid, "give --train_data_dir FOLDER, or --characters COUNT"};
  return open_folder(train_data_dir, columns, seed);
}

void DenoisingOptions::add_to(CLI::App& command) {
  command
      .add_option("--weighting_scheme", weighting_scheme,
                  "How often a noise level is drawn and what it counts: logit_normal, none, mode, "
                  "sigma_sqrt, cosmap")
      ->capture_default_str();
  command.add_option("--logit_mean", flow.logit_mean)->capture_default_str();
  command.add_option("--logit_std", flow.logit_std)->capture_default_str();
  command.add_option("--mode_scale", flow.mode_scale)->capture_default_str();
  command.add_option("--guidance_scale", guidance_scale, "Told to a model with guidance embedded")
      ->capture_default_str();
  command
      .add_option("--mask_weight", mask_weight,
                  "What an error counts where a drawn example shows what it is about (what an edit "
                  "changes; of a turn, what is on one side only); elsewhere 1")
      ->check(CLI::Range(1.0, 1000.0))
      ->excludes("--train_data_dir")
      ->capture_default_str();
  command.add_flag("--gradient_checkpointing", gradient_checkpointing,
                   "Less memory for a third more time");
  command
      .add_option("--echoing_factor", echoing_factor,
                  "Learn from each example so often, each time with other noise (data echoing)")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  command
      .add_option("--shuffle_buffer_size", shuffle_buffer_size,
                  "Echoed are the newest so many examples, which stay encoded on the device")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  command.add_option("--max_sequence_length", max_sequence_length, "T5 tokens")
      ->check(CLI::Range(1, flux::kSequenceLengthMax))
      ->capture_default_str();
  command.add_option("--num_validation_images", num_validation_images, "Rows of a grid of samples")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command.add_option("--num_inference_steps", num_inference_steps, "Of each sample")
      ->check(CLI::Range(1, kStepsMax))
      ->capture_default_str();
}

Result<DenoiserOptions> DenoisingOptions::denoiser_options(const CommonOptions& common) const {
  DenoiserOptions options;
  options.size = TRY(common.size());
  options.seed = common.seed;
  options.batch = common.train_batch_size;
  options.workers = common.dataloader_num_workers;
  options.flow = flow;
  options.flow.weighting = TRY(parse_weighting(weighting_scheme));
  options.guidance = guidance_scale;
  options.mask_weight = mask_weight;
  options.block_by_block = gradient_checkpointing;
  if (options.batch % echoing_factor != 0)
    return Error{Errc::invalid, "--train_batch_size " + std::to_string(options.batch) +
                                    " is no multiple of --echoing_factor " +
                                    std::to_string(echoing_factor)};
  if (echoing_factor > 1 && shuffle_buffer_size < options.batch)
    return Error{Errc::invalid, "--shuffle_buffer_size " + std::to_string(shuffle_buffer_size) +
                                    " is smaller than a batch of " + std::to_string(options.batch)};
  options.echoing_factor = echoing_factor;
  options.shuffle_buffer_size = shuffle_buffer_size;
  options.shown = num_validation_images;
  options.steps = num_inference_steps;
  return options;
}

}  // namespace pirouette::train
