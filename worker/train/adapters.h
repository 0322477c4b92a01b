#pragma once
// The low-rank changes that a LoRA training learns: which linears get one, and with what they
// begin. Modules are named as diffusers names them and PEFT saves them, so q, k and v of a fused
// projection each have their own.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/flux/diffusers_layout.h"
#include "worker/train/parameters.h"

namespace pirouette::train {

struct LoraOptions {
  std::int64_t rank = 4;
  double alpha = 4;  // the change is scaled by alpha / rank
  // As PEFT's: a module's name, or the end of it after a dot; "all-linear".
  std::vector<std::string> target_modules;
  // What load_factors takes, to begin with; none: with no change.
  std::filesystem::path network_weights;

  // In some steps the change is taken at less than its whole scale, at least this share of it.
  double scale_min = 1;

  double scale() const { return alpha / static_cast<double>(rank); }
};

// What diffusers' train_dreambooth_lora_flux_kontext.py trains.
std::vector<std::string> default_target_modules();

// A linear of the model, or a part of a fused one.
struct Target {
  std::string name;   // "transformer_blocks.0.attn.to_q"
  flux::Place place;  // where that is
  std::int64_t in = 0;
  std::int64_t out = 0;        // rows of this part
  std::int64_t first_row = 0;  // of the canonical weight
  std::int64_t all_rows = 0;
};

// model: canonical. In the order of their names. invalid: a target module fits nothing there.
Result<std::vector<Target>> choose_targets(const Tensors& model,
                                           const std::vector<std::string>& target_modules);

// The names under which parameters hold a target's factors: PEFT's.
std::string down_name(const Target& target);  // NAME.lora_A.weight
std::string up_name(const Target& target);    // NAME.lora_B.weight

// What each target begins with, float32, by down_name() and up_name(): down random as PEFT draws
// it, up zero, so that the model is at first what it was.
Tensors new_factors(const std::vector<Target>& targets, const LoraOptions& options,
                    std::uint64_t seed);

// Hangs an adapter on each target. Rows of factors lie in the canonical order while they are
// trained. scale: theirs, read in every step.
void adapt(flux::Weights& weights, const std::vector<Target>& targets,
           const std::shared_ptr<const double>& scale, const Tensors& factors,
           Parameters& parameters, at::ScalarType dtype, at::Device device);

// The share of the scale that the number-th micro-batch learns with: 1 in three of four, and in the
// fourth anything from scale_min on, so that a LoRA that a recipe gives a lower scale does less and
// not something else.
double share_of_scale(const LoraOptions& options, std::uint64_t seed, std::uint64_t number);

}  // namespace pirouette::train
