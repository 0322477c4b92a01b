#pragma once
// Prompts as the transformer takes them. Where the text encoders stay as they are and the prompts
// are known, each is embedded once and the encoders are let go, which are gigabytes; where they are
// not known, each use goes through the encoders. So it does where these are trained, too, and
// carries gradients back.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "worker/flux/text_encoders.h"
#include "worker/train/parameters.h"

namespace pirouette::train {

class Prompts {
 public:
  // prompts: embedded now, and no others later; none: the encoders stay. length: T5 tokens.
  static Result<Prompts> make(const flux::ModelSource& model,
                              const std::vector<std::string>& prompts, int length,
                              at::ScalarType dtype, at::Device device);
  // The encoders' weights join the parameters: "text_encoder.NAME", "text_encoder_2.NAME". They
  // compute in float32, as they do for rendering.
  static Result<Prompts> train_with(const flux::ModelSource& model, Parameters& parameters,
                                    int length, at::ScalarType dtype, at::Device device);

  // [B, L, C], [B, C].
  Result<flux::TextEmbedding> of(const std::vector<std::string>& prompts) const;

 private:
  Prompts(int length, at::ScalarType dtype) : length_(length), dtype_(dtype) {}
  Result<flux::TextEmbedding> embed(const std::vector<std::string>& prompts) const;

  int length_;
  at::ScalarType dtype_;
  std::optional<flux::TextEncoders> encoders_;  // while they are needed
  bool is_trained_ = false;
  std::map<std::string, flux::TextEmbedding> embedded_;
};

}  // namespace pirouette::train
