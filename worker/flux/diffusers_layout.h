#pragma once
// Diffusers' names for the tensors of FLUX.1, turned into the canonical ones, Black Forest Labs'
// (the map is diffusers' scripts/convert_flux_to_diffusers.py, read backwards). Three things differ
// besides names: diffusers splits the fused projections (q, k, v, and in single blocks the MLP's
// first half), its final layer has scale before shift, and the autoencoder's attention is written
// as Linear where the original has 1x1 convolutions.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "worker/flux/checkpoint.h"

namespace pirouette::flux {

// Where a diffusers module of the transformer lies in the canonical model.
struct Place {
  std::string module;         // canonical: "double_blocks.0.img_attn.qkv"
  int part = 0;               // q, k, v, mlp are parts 0 to 3 of a fused module, in rows
  int parts = 1;              // how many it has: 1, 3 or 4
  bool swaps_halves = false;  // its rows are scale, shift; the canonical ones shift, scale
  bool is_norm = false;       // its only tensor is NAME.weight there and NAME.scale here
};

// module: "transformer_blocks.0.attn.to_q". None for what FLUX.1 does not have.
std::optional<Place> place_module(std::string_view module);

// The other way: what diffusers calls a canonical linear, or the parts that it splits it into, in
// the order of their rows. Empty for what is none of FLUX.1's.
std::vector<std::string> diffusers_linears(std::string_view canonical);

// The canonical tensor that this one of a diffusers transformer is, or is a part of; a name that
// has no place is its own.
std::string canonical_name(std::string_view name);

// The canonical tensors from the transformer/ folder of a diffusers model. A name that has no place
// is kept as it is: Transformer::load then says that it is left over.
Result<Weights> canonical_transformer(Weights diffusers);

// What an autoencoder's tensor of diffusers is called in one with so many levels.
std::string canonical_autoencoder_name(std::string_view name, int levels);

// The same for vae/. Decoder levels are counted the other way round there.
Result<Weights> canonical_autoencoder(Weights diffusers);

}  // namespace pirouette::flux
