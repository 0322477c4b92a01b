#include "worker/train/prompts.h"

#include <utility>

#include "worker/flux/part_weights.h"

namespace pirouette::train {

Result<Prompts> Prompts::make(const flux::ModelSource& model, const std::vector<std::string>& texts,
                              int length, at::ScalarType dtype, at::Device device) {
  const at::NoGradGuard no_grad;
  Prompts prompts(length, dtype);
  prompts.encoders_ = TRY(flux::TextEncoders::load(model, dtype, device));
  if (texts.empty()) return prompts;
  for (const std::string& text : texts)
    prompts.embedded_.insert_or_assign(text, TRY(prompts.embed({text})));
  prompts.encoders_.reset();
  return prompts;
}

Result<Prompts> Prompts::train_with(const flux::ModelSource& model, Parameters& parameters,
                                    int length, at::ScalarType dtype, at::Device device) {
  Prompts prompts(length, dtype);
  const auto trained = [&](const flux::Part& part) -> Result<flux::Weights> {
    const flux::Weights stored = TRY(flux::load_part(part, dtype, device));
    Tensors tensors = stored.tensors();
    parameters.add_all(std::string(flux::part_name(part.kind)) + '.', tensors, at::kFloat);
    return flux::Weights(std::move(tensors), stored.source());
  };
  prompts.encoders_ =
      TRY(flux::TextEncoders::make(model, TRY(trained(model.clip)), TRY(trained(model.t5))));
  prompts.is_trained_ = true;
  return prompts;
}

Result<flux::TextEmbedding> Prompts::embed(const std::vector<std::string>& prompts) const {
  const flux::TextEmbedding wide = TRY(encoders_->embed_all(prompts, length_));
  return flux::TextEmbedding{wide.sequence.to(dtype_), wide.pooled.to(dtype_)};
}

Result<flux::TextEmbedding> Prompts::of(const std::vector<std::string>& prompts) const {
  if (encoders_) {
    const at::AutoGradMode grad(is_trained_ && at::GradMode::is_enabled());
    return embed(prompts);
  }
  std::vector<Tensor> sequences, pooled;
  for (const std::string& prompt : prompts) {
    const auto found = embedded_.find(prompt);
    PIROUETTE_CHECK(found != embedded_.end());
    sequences.push_back(found->second.sequence);
    pooled.push_back(found->second.pooled);
  }
  return flux::TextEmbedding{at::cat(sequences), at::cat(pooled)};
}

}  // namespace pirouette::train
