#pragma once
// How a picture was made, in one text: the form of AUTOMATIC1111's web UI, which Civitai and many
// image tools read from a PNG's `parameters`:
//
//   the prompt <lora:turnaround:1>
//   Negative prompt: what not to show
//   Steps: 24, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 2.5, …
//
// Their parser takes the last line as the settings, and everything behind "Negative prompt:" as
// that, so neither prompt may have lines. The guidance that is fed to FLUX stands as Forge writes
// it: "CFG scale" must be a number and is the classifier-free one. Pure.

#include <string>
#include <string_view>
#include <vector>

#include "common/job/recipe.h"

namespace pirouette {

// SHA-256 in hex of what rendered; "" for one that is not known.
struct WeightDigests {
  struct Lora {
    std::string sha256;
    std::string tensors_sha256;  // of what follows a safetensors file's header
  };
  std::string model;
  std::vector<Lora> loras;  // in the spec's order; may be shorter
};

std::string make_parameters(const RenderSpec& spec, const WeightDigests& weights);

// Of several pictures of one recipe together: a prompt each ("front v001, seed 7: …"), and the
// settings that they share. first: any of their specs.
std::string make_parameters(const std::vector<std::string>& prompts, const RenderSpec& first,
                            const WeightDigests& weights);

}  // namespace pirouette
