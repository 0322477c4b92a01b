#pragma once
// FLUX.1 Kontext as one model in memory: text encoders, transformer with LoRAs merged, autoencoder
// and schedule. Loaded once; then text embeddings and reference latents are made one by one, so
// that callers can keep them, and renderings are made from those. Results are diffusers'
// FluxKontextPipeline's, for the same seed.
//
// render() and the encoding functions may run on several threads; set_loras() must run alone.
// Exceptions of libtorch (out of memory) pass through: the engine is their wall.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/image/image.h"
#include "common/result.h"
#include "worker/flux/autoencoder.h"
#include "worker/flux/checkpoint.h"
#include "worker/flux/lora.h"
#include "worker/flux/reference.h"
#include "worker/flux/sampler.h"
#include "worker/flux/text_encoders.h"
#include "worker/flux/transformer.h"

namespace pirouette::flux {

struct KontextFiles {
  std::filesystem::path model;  // a folder or file in any layout of model_source.h
  // A folder with tokenizer/ and tokenizer_2/; by default the model's own.
  std::optional<std::filesystem::path> tokenizers;
};

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
};

struct Rendering {
  Image image;     // RGB
  Tensor latents;  // [1, L, 64], packed, in the model's dtype
};

class Kontext {
 public:
  // dtype: at::kFloat or at::kBFloat16. not_found, invalid or corrupt names file and tensor.
  static Result<Kontext> load(const KontextFiles& files, at::ScalarType dtype,
                              at::Device device = at::kCPU);

  // What the model renders with from now on; none for the model as published. On an error the
  // LoRAs stay as they were.
  Result<void> set_loras(const std::vector<LoraUse>& loras);

  // max_sequence_length: T5 tokens, 1 to 512; what is longer is cut, what is shorter padded.
  Result<TextEmbedding> embed_text(std::string_view prompt, int max_sequence_length) const;

  // Latents [1, 16, h, w] of the picture stretched to the size. Transparency becomes white.
  Result<Tensor> encode_reference(const Image& picture, const ReferenceSize& size) const;

  // invalid: a number is out of its limits; cancelled: progress said so; corrupt: the model's
  // output is not finite.
  Result<Rendering> render(const RenderRequest& request, const StepFn& progress = nullptr) const;

 private:
  Kontext() = default;
  Result<void> check(const RenderRequest& request) const;
  Tensor predict(const TransformerInput& input, const TextEmbedding& text) const;
  Result<Image> decode(const Tensor& latents, const RenderRequest& request) const;

  at::ScalarType dtype_ = at::kFloat;
  at::Device device_ = at::kCPU;
  std::optional<TextEncoders> text_;
  Tensors pristine_;  // the transformer's, canonical; never written
  std::string source_;
  RopeAxes axes_{};
  std::optional<Transformer> transformer_;
  std::optional<Autoencoder> autoencoder_;
  Shift shift_;
};

}  // namespace pirouette::flux
