#include "worker/train/commands.h"

#include <exception>
#include <string>

#include "worker/train/autoencoder_task.h"
#include "worker/train/lora_task.h"
#include "worker/train/model_folder.h"
#include "worker/train/model_task.h"
#include "worker/train/new_model.h"
#include "worker/train/options.h"
#include "worker/train/step_log.h"

namespace pirouette::train {
namespace {

Result<void> train_watched(Task& task, const CommonOptions& common) {
  const TrainingOptions options = TRY(common.training_options());
  std::fprintf(stderr, "%lld numbers to learn\n",
               static_cast<long long>(task.parameters().count()));
  ProgressLine line(options.max_train_steps);
  return train(task, options, [&](const StepReport& report) { line.show(report); });
}

}  // namespace

struct Commands::Init {
  std::filesystem::path config, tokenizers, output_dir;
  std::uint64_t seed = 0;

  explicit Init(CLI::App& app) {
    CLI::App* command =
        app.add_subcommand("init", "Write a new Kontext with random weights, to be trained");
    command->add_option("--config", config, "JSON with the sizes of its parts")->required();
    command->add_option("--tokenizers", tokenizers, "Folder with tokenizer/ and tokenizer_2/")
        ->required();
    command->add_option("--output_dir", output_dir)->required();
    command->add_option("--seed", seed)->capture_default_str();
  }
  Result<void> run() const { return write_new_model(config, tokenizers, output_dir, seed); }
};

struct Commands::Export {
  std::filesystem::path model, output_dir;

  explicit Export(CLI::App& app) {
    CLI::App* command = app.add_subcommand(
        "export", "Write a trained model as it is shipped: every part in bfloat16");
    command->add_option("--pretrained_model_name_or_path", model, "In diffusers' layout")
        ->required();
    command->add_option("--output_dir", output_dir)->required();
  }
  Result<void> run() const { return TRY(ModelFolder::open(model)).export_to(output_dir); }
};

struct Commands::Autoencoder {
  CommonOptions common;
  AutoencoderOptions options;
  std::string loss = "l1";

  explicit Autoencoder(CLI::App& app) {
    CLI::App* command = app.add_subcommand("autoencoder", "Train a model's autoencoder");
    common.add_to(*command, "edits");
    command->add_option("--loss", loss, "Of pixels and their gradients")
        ->check(CLI::IsMember({"l1", "mse"}))
        ->capture_default_str();
    command->add_option("--gradient_weight", options.gradient_weight, "Of the Sobel term")
        ->capture_default_str();
    command->add_option("--kl_weight", options.kl_weight)->capture_default_str();
    command->add_option("--num_validation_images", options.shown)
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
  }
  Result<void> run() {
    options.size = TRY(common.size());
    options.seed = common.seed;
    options.batch = common.train_batch_size;
    options.workers = common.dataloader_num_workers;
    options.squared = loss == "mse";
    const auto dataset = TRY(common.open_dataset());
    const auto task = TRY(make_autoencoder_task(TRY(common.model_options()), options, *dataset));
    return train_watched(*task, common);
  }
};

struct Commands::Model {
  CommonOptions common;
  DenoisingOptions denoising;
  bool train_text_encoder = false;

  explicit Model(CLI::App& app) {
    CLI::App* command = app.add_subcommand("model", "Train a model's transformer");
    common.add_to(*command, "edits");
    denoising.add_to(*command);
    command->add_flag("--train_text_encoder", train_text_encoder,
                      "CLIP and T5 too; else they stay as they are");
  }
  Result<void> run() const {
    ModelOptions model = TRY(common.model_options());
    model.sequence_length = denoising.max_sequence_length;
    const DenoiserOptions options = TRY(denoising.denoiser_options(common));
    const auto dataset = TRY(common.open_dataset(denoising.mask_weight > 1));
    const auto task = TRY(make_model_task(model, train_text_encoder, options, *dataset));
    return train_watched(*task, common);
  }
};

struct Commands::Lora {
  CommonOptions common;
  DenoisingOptions denoising;
  LoraOptions lora;

  explicit Lora(CLI::App& app) {
    CLI::App* command = app.add_subcommand(
        "lora",
        "Train a LoRA.\n"
        "Example: pirouette-train lora --pretrained_model_name_or_path "
        "/models/FLUX.1-Kontext-dev \\\n"
        "  --train_data_dir sheets --output_dir turnaround --resolution 832x1248 --rank 32 \\\n"
        "  --lora_alpha 32 --max_train_steps 3000 --mixed_precision bf16 --device cuda \\\n"
        "  --gradient_checkpointing");
    common.add_to(*command, "turns");
    denoising.add_to(*command);
    command->add_option("--tokenizers", common.tokenizers,
                        "Folder with tokenizer/ and tokenizer_2/; the model's own unless given");
    command->add_option("--rank", lora.rank)->check(CLI::Range(1, 1024))->capture_default_str();
    command->add_option("--lora_alpha", lora.alpha, "The change is scaled by lora_alpha / rank")
        ->capture_default_str();
    command->add_option("--network_weights", lora.network_weights,
                        "Begin with this LoRA (pytorch_lora_weights.safetensors of an earlier "
                        "training, of the same rank, alpha and targets)");
    command
        ->add_option(
            "--lora_scale_min", lora.scale_min,
            "One micro-batch in four learns with the change at less than its whole scale, at "
            "least this share of it, so that lower scales do less and not something else")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    lora.target_modules = default_target_modules();
    command
        ->add_option("--target_modules", lora.target_modules,
                     "Names of diffusers' modules or their ends, or all-linear")
        ->delimiter(',')
        ->capture_default_str();
  }
  Result<void> run() const {
    ModelOptions model = TRY(common.model_options());
    model.sequence_length = denoising.max_sequence_length;
    const DenoiserOptions options = TRY(denoising.denoiser_options(common));
    const auto dataset = TRY(common.open_dataset(denoising.mask_weight > 1));
    const auto task = TRY(make_lora_task(model, lora, options, *dataset));
    return train_watched(*task, common);
  }
};

Commands::Commands(CLI::App& app, const std::atomic<bool>* stop)
    : app_(app),
      init_(std::make_unique<Init>(app)),
      autoencoder_(std::make_unique<Autoencoder>(app)),
      model_(std::make_unique<Model>(app)),
      lora_(std::make_unique<Lora>(app)),
      export_(std::make_unique<Export>(app)) {
  for (CommonOptions* common : {&autoencoder_->common, &model_->common, &lora_->common})
    common->training.stop = stop;
}

Commands::~Commands() = default;

Result<void> Commands::run() {
  try {
    if (app_.got_subcommand("init")) return init_->run();
    if (app_.got_subcommand("autoencoder")) return autoencoder_->run();
    if (app_.got_subcommand("export")) return export_->run();
    return app_.got_subcommand("model") ? model_->run() : lora_->run();
  } catch (const std::exception& error) {
    const std::string what = error.what();  // libtorch adds a stack trace after the first line
    return Error{Errc::io, "training failed: " + what.substr(0, what.find('\n'))};
  }
}

}  // namespace pirouette::train
