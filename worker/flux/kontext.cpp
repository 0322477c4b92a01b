#include "worker/flux/kontext.h"

#include <array>
#include <cmath>
#include <utility>

#include "common/job/recipe.h"
#include "worker/flux/device.h"
#include "worker/flux/lanczos.h"
#include "worker/flux/part_weights.h"
#include "worker/flux/picture_tensor.h"
#include "worker/flux/storage/model_source.h"
#include "worker/flux/to_device.h"

namespace pirouette::flux {
namespace {

constexpr int64_t kCellSide = 8;       // pixels a latent cell is wide
constexpr int64_t kCellsPerToken = 4;  // 2 x 2

// Kontext is told from FLUX.1's other models by its input: latents only, no mask or edges beside.
Result<void> check_fit(const Transformer& transformer, const Autoencoder& autoencoder,
                       const TextEncoders& text, const std::string& source) {
  if (text.sequence_width() != transformer.text_channels() ||
      text.pooled_width() != transformer.pooled_channels())
    return Error{Errc::invalid, source + ": the text encoders are not this transformer's"};
  const int64_t channels = autoencoder.latent_channels() * kCellsPerToken;
  if (transformer.in_channels() != channels || transformer.out_channels() != channels ||
      autoencoder.cell_size() != kCellSide)
    return Error{Errc::invalid, source + ": the transformer takes " +
                                    std::to_string(transformer.in_channels()) +
                                    " channels where Kontext takes " + std::to_string(channels) +
                                    "; this is another model of the FLUX.1 family"};
  return {};
}

Result<void> check_side(const char* name, int side) {
  if (side % kTokenSide == 0 && side >= kSideMinPx && side <= kSideMaxPx) return {};
  return Error{Errc::invalid, std::string(name) + ' ' + std::to_string(side) +
                                  " is not a multiple of " + std::to_string(kTokenSide) + " from " +
                                  std::to_string(kSideMinPx) + " to " + std::to_string(kSideMaxPx)};
}

// A prompt, and what is the same of it in every step.
struct Prompting {
  const TextEmbedding& text;
  Rope rope;
  Conditions conditions;
  KeptReference kept{};
};

enum class Reference { computed, kept, read };

// The velocity of the picture's tokens under this prompt.
Tensor predict(const Transformer& transformer, const TransformerInput& input, Prompting& prompting,
               Reference reference) {
  TransformerInput under = input;
  under.txt = prompting.text.sequence;
  under.pooled = prompting.text.pooled;
  under.rope = prompting.rope;
  under.conditions = &prompting.conditions;
  if (reference == Reference::computed) return transformer(under);
  under.kept = &prompting.kept;
  prompting.kept.is_read = reference == Reference::read;
  if (!prompting.kept.is_read) {
    prompting.kept.tokens = input.img.size(1) - input.wanted;
    return transformer(under);
  }
  const int64_t tokens = under.txt.size(1) + input.wanted;
  under.img = input.img.slice(1, 0, input.wanted);
  under.rope = {prompting.rope.cos.slice(0, 0, tokens), prompting.rope.sin.slice(0, 0, tokens)};
  return transformer(under);
}

// What the model is told of each noise level: the reference rounds them as thousandths. [steps],
// on the device before the first step, so that no step waits for a copy.
Tensor make_timesteps(const std::vector<float>& sigmas, const Tensor& like) {
  const Tensor thousandths = at::empty({static_cast<int64_t>(sigmas.size())}, at::kFloat);
  for (std::size_t i = 0; i < sigmas.size(); ++i)
    thousandths.data_ptr<float>()[i] = sigmas[i] * 1000.0f;
  return thousandths.to(like.scalar_type()).to(like.device()) / 1000;
}

}  // namespace

Result<Kontext> Kontext::load(const KontextFiles& files, at::ScalarType dtype, at::Device device,
                              const Placement& placement) {
  const at::NoGradGuard no_grad;
  prepare(device);
  ModelSource source = TRY(find_model(files.model, files.tokenizers));
  Kontext kontext;
  kontext.dtype_ = dtype;
  kontext.device_ = device;
  kontext.streams_t5_ = placement.streams_t5;
  kontext.axes_ = source.numbers.axes;
  kontext.shift_ = source.numbers.shift;
  // Where the encoders come later, what they are is looked at all the same.
  kontext.text_ = TRY(TextEncoders::load(source, dtype, placement.text_encoders ? device : at::kCPU,
                                         {}, placement.streams_t5));
  kontext.autoencoder_ = TRY(Autoencoder::load(TRY(load_part(source.autoencoder, dtype, device)),
                                               source.numbers.autoencoder));

  const bool fp8 = placement.fp8;
  Weights weights = TRY(open_part(source.transformer, dtype, fp8));
  const std::string name = weights.source();
  const auto read = [part = source.transformer, dtype,
                     fp8](const std::set<std::string>& names) -> Result<Tensors> {
    return TRY(open_part(some_of(part, names), dtype, fp8)).tensors();
  };
  kontext.variants_ =
      TRY(Variants::load(std::move(weights), kontext.axes_, dtype, device, placement.pristine, read,
                         {fp8, placement.modulations_on_host}));
  TRY(check_fit(*kontext.variants_->find_selected(), *kontext.autoencoder_, *kontext.text_, name));
  kontext.files_ = std::move(source);
  if (!placement.text_encoders) kontext.release_text_encoders();
  return kontext;
}

Result<void> Kontext::bring_text_encoders(const std::vector<ScaledLora>& loras) {
  const at::NoGradGuard no_grad;
  text_ = TRY(load_text_encoders(loras));
  return {};
}

Result<TextEncoders> Kontext::load_text_encoders(const std::vector<ScaledLora>& loras) const {
  return TextEncoders::load(files_, dtype_, device_, loras, streams_t5_);
}

Result<void> Kontext::set_loras(const std::vector<LoraUse>& uses) {
  const at::NoGradGuard no_grad;
  std::vector<ScaledLora> loras;
  bool changes_text = false;
  for (const LoraUse& use : uses) {
    loras.push_back({TRY(load_lora(use.path)), use.scale});
    changes_text = changes_text || loras.back().lora.changes(LoraModel::clip);
  }
  std::optional<TextEncoders> text;
  if (changes_text || text_changed_) text = TRY(load_text_encoders(loras));
  // A key of its own each time: the files may be others than the last time.
  TRY(variants_->select(uses.empty() ? "" : std::to_string(++times_set_), loras));
  variants_->drop_others();
  if (text) text_ = std::move(text);
  text_changed_ = changes_text;
  return {};
}

Result<TextEmbedding> Kontext::embed_text(std::string_view prompt, int length) const {
  const at::NoGradGuard no_grad;
  if (length < 1 || length > kSequenceLengthMax)
    return Error{Errc::invalid, "a sequence length of " + std::to_string(length) +
                                    " is not from 1 to " + std::to_string(kSequenceLengthMax)};
  PIROUETTE_CHECK(text_);
  const TextEmbedding embedding = TRY(text_->embed(prompt, length));
  return TextEmbedding{embedding.sequence.to(dtype_), embedding.pooled.to(dtype_)};
}

Result<Tensor> show_reference(const Image& picture, const ReferenceSize& wanted,
                              at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  const Size size = TRY(choose_size(wanted, {picture.width, picture.height}));
  const Image shown = resize_lanczos(flatten_on_white(picture), size.width, size.height);
  return to_tensor(shown).to(dtype);
}

Result<Tensor> Kontext::encode_reference(const Image& picture, const ReferenceSize& size) const {
  return encode_shown(TRY(show_reference(picture, size, dtype_)));
}

Tensor Kontext::encode_shown(const Tensor& shown) const {
  const at::NoGradGuard no_grad;
  return autoencoder_->encode(to_device(shown, device_).to(dtype_));
}

std::uint64_t Kontext::kept_bytes(const RenderRequest& request) const {
  if (request.step_cache.reference_every == 1) return 0;
  const Transformer* transformer = variants_->find_selected();
  PIROUETTE_CHECK(transformer != nullptr);
  const auto tokens = static_cast<std::uint64_t>(request.reference.size(2) *
                                                 request.reference.size(3) / kCellsPerToken);
  const std::uint64_t prompts = request.true_cfg > 1 && request.negative ? 2 : 1;
  return prompts * transformer->blocks() * tokens * 2 *  // keys and values
         static_cast<std::uint64_t>(transformer->width()) * at::elementSize(dtype_);
}

Result<void> Kontext::check(const RenderRequest& request) const {
  TRY(check_side("width", request.width));
  TRY(check_side("height", request.height));
  if (request.steps < 1 || request.steps > kStepsMax)
    return Error{Errc::invalid, std::to_string(request.steps) + " steps are not from 1 to " +
                                    std::to_string(kStepsMax)};
  if (!std::isfinite(request.guidance) || !std::isfinite(request.true_cfg))
    return Error{Errc::invalid, "guidance and true_cfg must be numbers"};
  return {};
}

Result<Image> Kontext::decode(const Tensor& latents, const RenderRequest& request,
                              WorkClock* clock) const {
  const Tensor cells =
      unpack_latents(latents, request.height / kCellSide, request.width / kCellSide);
  const Tensor picture = autoencoder_->decode(cells);
  if (clock != nullptr) clock->ends();
  if (!at::isfinite(latents).all().item<bool>())
    return Error{Errc::corrupt,
                 "the latents are not finite after " + std::to_string(request.steps) +
                     " steps: the model, a LoRA or its scale is broken for this request"};
  if (!at::isfinite(picture).all().item<bool>())
    return Error{
        Errc::corrupt,
        "the decoded picture is not finite: the autoencoder's weights are broken, or their "
        "dtype is too narrow for this request"};
  return to_image(picture);
}

Result<Rendering> Kontext::render(const RenderRequest& request, const StepFn& progress,
                                  WorkClock* clock) const {
  const at::NoGradGuard no_grad;
  TRY(check(request));
  const Transformer* transformer = variants_->find_selected();
  PIROUETTE_CHECK(transformer != nullptr);
  const int64_t rows = request.height / kTokenSide, columns = request.width / kTokenSide;
  const int64_t tokens = rows * columns;
  const Tensor reference = pack_latents(request.reference);  // [1, Lr, 64]
  Tensor latents = pack_latents(
      make_noise(request.seed, {autoencoder_->latent_channels(), 2 * rows, 2 * columns}, dtype_));
  latents = latents.to(device_);

  const auto ids_after = [&](const TextEmbedding& text) {
    return at::cat({at::zeros({text.sequence.size(1), 3}), make_ids(0, rows, columns),
                    make_ids(1, request.reference.size(2) / 2, request.reference.size(3) / 2)});
  };
  TransformerInput input;
  input.guidance = at::full({1}, request.guidance, at::kFloat).to(device_, dtype_);
  input.wanted = tokens;
  const std::vector<float> sigmas = make_sigmas(request.steps, tokens, shift_);
  const Tensor timesteps = make_timesteps(sigmas, latents);
  const auto make_prompting = [&](const TextEmbedding& text) {
    TransformerInput steps = input;
    steps.img = latents;
    steps.txt = text.sequence;
    steps.pooled = text.pooled;
    steps.timestep = timesteps.slice(0, 0, request.steps);
    return Prompting{text, make_rope(ids_after(text).to(device_), axes_),
                     transformer->conditions(steps)};
  };
  Prompting prompting = make_prompting(request.prompt);
  std::optional<Prompting> negative;
  if (request.true_cfg > 1 && request.negative) negative.emplace(make_prompting(*request.negative));
  const StepCache& cache = request.step_cache;
  Tensor velocity;
  StepPace pace(device_);
  if (clock != nullptr) clock->begins();
  for (int step = 0; step < request.steps; ++step) {
    const auto i = static_cast<std::size_t>(step);
    input.img = at::cat({latents, reference}, 1);
    input.timestep = timesteps.slice(0, step, step + 1);
    input.step = step;
    if (!cache.skips(step)) {
      const Reference how = cache.reference_every == 1       ? Reference::computed
                            : cache.computes_reference(step) ? Reference::kept
                                                             : Reference::read;
      velocity = predict(*transformer, input, prompting, how);
      if (negative) {
        const Tensor away = predict(*transformer, input, *negative, how);
        velocity = away + (velocity - away) * request.true_cfg;
      }
    }
    latents = euler_step(latents, velocity, sigmas[i], sigmas[i + 1]);
    pace.step_handed_out();
    if (progress && !progress(step + 1, request.steps, latents))
      return Error{Errc::cancelled, "stopped after step " + std::to_string(step + 1) + " of " +
                                        std::to_string(request.steps)};
  }
  return Rendering{TRY(decode(latents, request, clock)), latents};
}

}  // namespace pirouette::flux
