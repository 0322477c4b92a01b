// See render_command.h. The command is a wall: libtorch's exceptions become errors here.

#include "worker/render_command.h"

#include <unistd.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "common/files.h"
#include "common/image/image.h"
#include "common/image/provenance.h"
#include "common/job/parameters.h"
#include "common/job/recipe.h"
#include "common/version.h"
#include "worker/flux/device.h"
#include "worker/flux/kontext.h"

namespace pirouette {

namespace fs = std::filesystem;

struct RenderCommand::Options {
  fs::path model, tokenizers, reference, out, out_latents;
  std::vector<std::string> loras;  // FILE[:SCALE]
  std::string prompt, negative;
  double true_cfg = 1.0;
  std::uint64_t seed = 0;
  int steps = 24;
  double guidance = 2.5;
  int width = 0;
  int height = 0;
  std::string reference_size = "auto";
  std::string step_cache = "off";
  int max_sequence_length = flux::kSequenceLengthMax;
  std::string device = "cpu";
  std::string dtype = "float32";
  std::string weights = "wide";

  // Names by the files': hashing a model would take as long as rendering.
  std::string parameters(const std::vector<flux::LoraUse>& loras) const;
};

std::string RenderCommand::Options::parameters(const std::vector<flux::LoraUse>& uses) const {
  RenderSpec spec;
  spec.model = fs::weakly_canonical(model).filename().string();
  for (const auto& lora : uses) spec.loras.push_back({lora.path.stem().string(), lora.scale, ""});
  spec.prompt = prompt;
  spec.negative_prompt = negative;
  spec.true_cfg = true_cfg;
  spec.width = width;
  spec.height = height;
  spec.steps = steps;
  spec.guidance = guidance;
  spec.seed = seed;
  const auto cache = parse_step_cache(step_cache);
  if (cache.ok()) spec.step_cache = cache.value();
  std::string text = make_parameters(spec, {});
  if (weights == "float8") text += ", Weights: float8_e4m3fn";
  return text;
}

namespace {

// "a.safetensors:0.8" -> path and scale. A colon that no number follows belongs to the path.
flux::LoraUse parse_lora(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return {text, 1.0};
  const std::string number = text.substr(colon + 1);
  std::size_t read = 0;
  try {
    const double scale = std::stod(number, &read);
    if (read == number.size()) return {text.substr(0, colon), scale};
  } catch (const std::exception&) {
    return {text, 1.0};
  }
  return {text, 1.0};
}

// One line that is written over, where somebody looks at it.
class ProgressLine {
 public:
  bool show(int step, int of) const {
    constexpr int kBarColumns = 40;
    if (!shown_) return true;
    std::string bar(static_cast<std::size_t>(kBarColumns), '.');
    bar.replace(0, static_cast<std::size_t>(kBarColumns * step / of),
                static_cast<std::size_t>(kBarColumns * step / of), '#');
    std::fprintf(stderr, "\r[%s] step %d of %d%s", bar.c_str(), step, of, step == of ? "\n" : "");
    std::fflush(stderr);
    return true;
  }

 private:
  bool shown_ = ::isatty(STDERR_FILENO) == 1;
};

Result<Image> load_picture(const fs::path& path) {
  constexpr std::size_t kPictureMaxBytes = 64u << 20;  // what the farm takes for a reference
  const auto bytes = TRY(read_file(path, kPictureMaxBytes));
  auto picture = decode_png(bytes);
  if (!picture.ok()) return std::move(picture).error().with(path.string());
  return picture;
}

// What can be known before minutes are spent on loading a model.
Result<void> check_side(const char* option, int pixels) {
  if (pixels >= kSideMinPx && pixels <= kSideMaxPx && pixels % 16 == 0) return {};
  return Error{Errc::invalid, std::string(option) + " " + std::to_string(pixels) +
                                  ": give a multiple of 16 from " + std::to_string(kSideMinPx) +
                                  " to " + std::to_string(kSideMaxPx)};
}

Result<void> check_folder_of(const char* option, const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  if (::access(folder.c_str(), W_OK) == 0) return {};
  return Error{Errc::io, std::string(option) + " " + file.string() +
                             ": cannot write in the folder " + folder.string()};
}

// parameters: how it was made (common/job/parameters.h).
Result<void> save(const flux::Rendering& rendering, const std::string& parameters,
                  const fs::path& out, const fs::path& out_latents) {
  const auto texts = provenance_texts(parameters, tool_name());
  TRY(write_file_durably(out, TRY(encode_png(rendering.image, texts))));
  if (out_latents.empty()) return {};
  return flux::save_safetensors(out_latents, {{"latents", rendering.latents.to(at::kFloat)}});
}

}  // namespace

RenderCommand::RenderCommand(CLI::App& app) : options_(std::make_unique<Options>()) {
  Options& o = *options_;
  CLI::App* command = app.add_subcommand(
      "render",
      "Render one picture, without a farm.\n"
      "Example: pirouette-worker render --model /models/FLUX.1-Kontext-dev \\\n"
      "  --lora turnaround.safetensors:1.0 --reference knight.png --width 832 --height 1248 \\\n"
      "  --prompt \"create turnaround sheet of this character, back view\" --out back.png");
  command
      ->add_option("--model", o.model,
                   "A diffusers folder, ComfyUI's models/, or a transformer's file")
      ->required();
  command->add_option("--lora", o.loras, "FILE[:SCALE], repeatable; the scale is 1 unless given");
  command->add_option("--reference", o.reference, "PNG of the character")->required();
  command->add_option("--prompt", o.prompt, "What to show, with the LoRA's trigger")->required();
  command->add_option("--negative", o.negative, "What not to show; needs --true-cfg above 1");
  command
      ->add_option("--true-cfg", o.true_cfg,
                   "Strength of the negative prompt; above 1 doubles the time")
      ->capture_default_str();
  command->add_option("--seed", o.seed, "Of the first noise")->capture_default_str();
  command->add_option("--steps", o.steps, "1 to " + std::to_string(kStepsMax))
      ->capture_default_str();
  command->add_option("--guidance", o.guidance, "Embedded guidance; the field uses 2.5 to 3.5")
      ->capture_default_str();
  command->add_option("--width", o.width, "Pixels, a multiple of 16")->required();
  command->add_option("--height", o.height, "Pixels, a multiple of 16")->required();
  command
      ->add_option("--reference-size", o.reference_size,
                   "What the reference is stretched to: auto (Kontext's nearest preset), keep, WxH")
      ->capture_default_str();
  command
      ->add_option("--step-cache", o.step_cache,
                   "Cheaper steps for another picture: reference=4 (its tokens in every 4th step "
                   "only), skip=8+16 (steps that take the last velocity), both with a comma; off")
      ->capture_default_str();
  command->add_option("--max-sequence-length", o.max_sequence_length, "T5 tokens, 1 to 512")
      ->capture_default_str();
  command->add_option("--device", o.device, "cpu, cuda, cuda:1 …")->capture_default_str();
  command->add_option("--dtype", o.dtype, "What weights and latents are computed in")
      ->check(CLI::IsMember({"float32", "bfloat16"}))
      ->capture_default_str();
  command
      ->add_option(
          "--weights", o.weights,
          "What the blocks' large weights are: wide (--dtype), or float8, which takes half "
          "the memory and makes another picture")
      ->check(CLI::IsMember({"wide", "float8"}))
      ->capture_default_str();
  command->add_option("--tokenizers", o.tokenizers,
                      "Folder with tokenizer/ and tokenizer_2/; the model's own, or its "
                      "tokenizers/, unless given");
  command->add_option("--out", o.out, "PNG to write")->required();
  command->add_option("--out-latents", o.out_latents,
                      "Also write the final latents: tensor \"latents\", float32 [1, L, 64]");
}

RenderCommand::~RenderCommand() = default;

Result<void> RenderCommand::render() const {
  const Options& o = *options_;
  if (o.true_cfg > 1 && o.negative.empty())
    return Error{Errc::invalid, "--true-cfg above 1 needs a --negative prompt"};
  if (o.true_cfg <= 1 && !o.negative.empty())
    return Error{Errc::invalid, "--negative has no effect without --true-cfg above 1"};
  const StepCache step_cache = TRY(parse_step_cache(o.step_cache));
  TRY(check_side("--width", o.width));
  TRY(check_side("--height", o.height));
  TRY(check_folder_of("--out", o.out));
  if (!o.out_latents.empty()) TRY(check_folder_of("--out-latents", o.out_latents));
  std::vector<flux::LoraUse> loras;
  for (const std::string& text : o.loras) {
    loras.push_back(parse_lora(text));
    if (!fs::exists(loras.back().path)) {
      return Error{Errc::not_found, "--lora " + text + ": there is no such file"};
    }
  }
  const flux::ReferenceSize size = TRY(flux::parse_reference_size(o.reference_size));
  const at::Device device = TRY(flux::parse_device(o.device));
  const Image reference = TRY(load_picture(o.reference));

  flux::KontextFiles files{o.model, std::nullopt};
  if (!o.tokenizers.empty()) files.tokenizers = o.tokenizers;
  flux::Placement placement;
  placement.fp8 = o.weights == "float8";
  // Wide weights beside float8 ones would take more than they save.
  if (placement.fp8) placement.pristine = flux::PristineAt::file;
  flux::Kontext kontext = TRY(flux::Kontext::load(
      files, o.dtype == "bfloat16" ? at::kBFloat16 : at::kFloat, device, placement));
  TRY(kontext.set_loras(loras));

  flux::RenderRequest request;
  request.prompt = TRY(kontext.embed_text(o.prompt, o.max_sequence_length));
  if (!o.negative.empty())
    request.negative = TRY(kontext.embed_text(o.negative, o.max_sequence_length));
  request.reference = TRY(kontext.encode_reference(reference, size));
  request.width = o.width;
  request.height = o.height;
  request.steps = o.steps;
  request.guidance = o.guidance;
  request.true_cfg = o.true_cfg;
  request.seed = o.seed;
  request.step_cache = step_cache;
  const ProgressLine line;
  const auto show = [&](int step, int of, const at::Tensor&) { return line.show(step, of); };
  return save(TRY(kontext.render(request, show)), o.parameters(loras), o.out, o.out_latents);
}

Result<void> RenderCommand::run() {
  try {
    return render();
  } catch (const std::exception& error) {
    const std::string what = error.what();  // libtorch adds a stack trace after the first line
    return Error{Errc::io, "rendering failed: " + what.substr(0, what.find('\n'))};
  }
}

}  // namespace pirouette
