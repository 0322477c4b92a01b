#pragma once
// FLUX.1 Kontext as one model in memory: text encoders, transformer with LoRAs merged, autoencoder
// and schedule. Loaded once; then text embeddings and reference latents are made one by one, so
// that callers can keep them, and renderings are made from those. Results are diffusers'
// FluxKontextPipeline's, for the same seed.
//
// render() and the encoding functions may run on several threads; what changes the model (LoRAs,
// coming and going of the text encoders) must run alone, or in render()'s progress where it changes
// nothing that renders. Exceptions of libtorch (out of memory)
// pass through: the engine is their wall.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/image/image.h"
#include "common/job/step_cache.h"
#include "common/result.h"
#include "worker/flux/autoencoder.h"
#include "worker/flux/checkpoint.h"
#include "worker/flux/kontext_files.h"
#include "worker/flux/lora.h"
#include "worker/flux/reference.h"
#include "worker/flux/sampler.h"
#include "worker/flux/text_encoders.h"
#include "worker/flux/transformer.h"
#include "worker/flux/variants.h"
#include "worker/flux/work_clock.h"

namespace pirouette::flux {

struct LoraUse {
  std::filesystem::path path;
  double scale = 1.0;  // may be negative
};

// Called after each step with the packed latents [1, L, 64]; returns false to stop.
using StepFn = std::function<bool(int step, int of, const Tensor& latents)>;

struct RenderRequest {
  TextEmbedding prompt;
  std::optional<TextEmbedding> negative;  // used where true_cfg > 1, at twice the cost
  Tensor reference;                       // of encode_reference(): [1, 16, h, w]
  int width = 0;                          // pixels, multiples of 16
  int height = 0;
  int steps = 0;
  double guidance = 2.5;  // fed to the model
  double true_cfg = 1.0;
  std::uint64_t seed = 0;
  StepCache step_cache{};
};

struct Rendering {
  Image image;     // RGB
  Tensor latents;  // [1, L, 64], packed, in the model's dtype
};

// How the parts lie in memory.
struct Placement {
  PristineAt pristine = PristineAt::device;
  bool text_encoders = true;  // on the device at once; else bring_text_encoders() brings them
  bool streams_t5 = false;    // its weights stay on the host, and cross as they are used
  bool fp8 = false;           // the blocks' large weights in float8 (fp8.h)
  bool modulations_on_host = false;  // they cross for each picture (variants.h)
};

// A reference as encode_shown() takes it: stretched to the size, on white, [1, 3, H, W] on the
// host.
Result<Tensor> show_reference(const Image& picture, const ReferenceSize& size,
                              at::ScalarType dtype);

class Kontext {
 public:
  // dtype: at::kFloat or at::kBFloat16. not_found, invalid or corrupt names file and tensor.
  static Result<Kontext> load(const KontextFiles& files, at::ScalarType dtype,
                              at::Device device = at::kCPU, const Placement& placement = {});

  // What the model renders with from now on, its text encoder too; none for the model as
  // published. On an error the LoRAs stay as they were.
  Result<void> set_loras(const std::vector<LoraUse>& loras);

  // The same in pieces, for who keeps several variants: the transformer's, and CLIP's changes each
  // time that the text encoders come. They are needed for embed_text() only.
  Variants& variants() { return *variants_; }
  Result<void> bring_text_encoders(const std::vector<ScaledLora>& loras = {});
  void release_text_encoders() { text_.reset(); }
  bool has_text_encoders() const { return text_.has_value(); }

  // max_sequence_length: T5 tokens, 1 to 512; what is longer is cut, what is shorter padded. The
  // text encoders must be there.
  Result<TextEmbedding> embed_text(std::string_view prompt, int max_sequence_length) const;

  // Latents [1, 16, h, w] of the picture stretched to the size. Transparency becomes white.
  Result<Tensor> encode_reference(const Image& picture, const ReferenceSize& size) const;
  Tensor encode_shown(const Tensor& shown) const;

  // What render() keeps on the device for this step cache beside what it takes anyway.
  std::uint64_t kept_bytes(const RenderRequest& request) const;

  // invalid: a number is out of its limits; cancelled: progress said so; corrupt: the model's
  // output is not finite. clock: told when the steps begin and when the picture is decoded.
  Result<Rendering> render(const RenderRequest& request, const StepFn& progress = nullptr,
                           WorkClock* clock = nullptr) const;

 private:
  Kontext() = default;
  Result<TextEncoders> load_text_encoders(const std::vector<ScaledLora>& loras) const;
  Result<void> check(const RenderRequest& request) const;
  Result<Image> decode(const Tensor& latents, const RenderRequest& request, WorkClock* clock) const;

  ModelSource files_;  // mapped
  at::ScalarType dtype_ = at::kFloat;
  at::Device device_ = at::kCPU;
  std::optional<TextEncoders> text_;
  bool streams_t5_ = false;
  std::uint64_t times_set_ = 0;  // LoRAs
  bool text_changed_ = false;    // set_loras() merged into them
  RopeAxes axes_{};
  std::optional<Variants> variants_;
  std::optional<Autoencoder> autoencoder_;
  Shift shift_;
};

}  // namespace pirouette::flux
