#pragma once
// What the reference implementation was given and what it computed, and how near we come to it.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "worker/flux/autoencoder.h"
#include "worker/flux/checkpoint.h"
#include "worker/flux/diffusers_layout.h"
#include "worker/flux/transformer.h"

namespace pirouette::flux::golden {

// Each part alone; what the reference itself repeats to is about 1e-6.
inline constexpr double kPartTolerance = 1e-5;
// A whole run, where errors of parts add up over the steps.
inline constexpr double kRunTolerance = 1e-4;

// axes_dims_rope of transformer/config.json.
inline constexpr RopeAxes kTinyAxes = {8, 12, 12};

inline std::filesystem::path folder() { return PIROUETTE_SOURCE_DIR "/tests/data/tiny-kontext"; }

// Ends the test, failed, where the Result is an Error.
template <typename T>
T get(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().what);
  return std::move(result).value();
}

inline void get(const Result<void>& result) {
  if (!result.ok()) throw std::runtime_error(result.error().what);
}

inline const Tensors& expected() {
  static const Tensors tensors = get(load_checkpoint(folder() / "expected.safetensors")).tensors;
  return tensors;
}

inline const Tensor& expected(const std::string& name) { return expected().at(name); }

inline const nlohmann::json& cases() {
  static const auto parsed = nlohmann::json::parse(std::ifstream(folder() / "cases.json"));
  return parsed;
}

// |ours - theirs| / |theirs|, over all elements, in float64.
inline double distance(const Tensor& ours, const Tensor& theirs) {
  if (ours.sizes() != theirs.sizes()) return std::numeric_limits<double>::infinity();
  const Tensor difference = ours.to(at::kDouble) - theirs.to(at::kDouble);
  return (difference.norm() / theirs.to(at::kDouble).norm()).item<double>();
}

// float32, as the reference ran.
inline Weights tiny_transformer_weights() {
  return get(
      canonical_transformer(get(load_weights(folder() / "transformer")).to(at::kFloat, at::kCPU)));
}

// The reference's one forward pass, batch 2.
inline TransformerInput transformer_input() {
  TransformerInput input;
  input.img = expected("transformer.hidden_states");
  input.txt = expected("transformer.encoder_hidden_states");
  input.pooled = expected("transformer.pooled_projections");
  input.timestep = expected("transformer.timestep");
  input.guidance = expected("transformer.guidance");
  input.rope = make_rope(
      at::cat({expected("transformer.txt_ids"), expected("transformer.img_ids")}, 0), kTinyAxes);
  return input;
}

}  // namespace pirouette::flux::golden
