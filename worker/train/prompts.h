#pragma once
// Prompts as the transformer takes them. Where the text encoders stay as they are, every prompt of
// a dataset is embedded once and they are let go; where they are trained too, each use goes through
// them and carries gradients back.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "worker/flux/text_encoders.h"
#include "worker/train/parameters.h"

namespace pirouette::train {

class Prompts {
 public:
  // Embedded now; length: T5 tokens.
  static Result<Prompts> embed_all(const flux::ModelSource& model,
                                   const std::vector<std::string>& prompts, int length,
                                   at::ScalarType dtype, at::Device device);
  // The encoders' weights join the parameters: "text_encoder.NAME", "text_encoder_2.NAME". They
  // compute in float32, as they do for rendering.
  static Result<Prompts> train_with(const flux::ModelSource& model, Parameters& parameters,
                                    int length, at::ScalarType dtype, at::Device device);

  // [B, L, C], [B, C]. Called with prompts of embed_all() only, unless trained.
  Result<flux::TextEmbedding> of(const std::vector<std::string>& prompts) const;

 private:
  Prompts(int length, at::ScalarType dtype) : length_(length), dtype_(dtype) {}
  Result<flux::TextEmbedding> embed(const std::string& prompt) const;

  int length_;
  at::ScalarType dtype_;
  std::optional<flux::TextEncoders> encoders_;  // while they are trained
  std::map<std::string, flux::TextEmbedding> embedded_;
};

}  // namespace pirouette::train
