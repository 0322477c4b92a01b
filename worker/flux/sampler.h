#pragma once
// The schedule and the arithmetic around the denoising loop: noise levels, one Euler step, packing
// of latents into tokens, and their position ids. Pure functions; where results must equal the
// reference's, they follow diffusers (pipeline_flux_kontext.py,
// scheduling_flow_match_euler_discrete.py) operation by operation.

#include <array>
#include <cstdint>
#include <vector>

#include "worker/flux/ops.h"
#include "worker/flux/storage/model_numbers.h"

namespace pirouette::flux {

// e^mu: how much more often a picture of so many tokens sees high noise.
float shift_factor(int64_t tokens, const Shift& shift);

// steps + 1 noise levels from 1 to 0. tokens: of the picture alone, without the reference.
std::vector<float> make_sigmas(int steps, int64_t tokens, const Shift& shift);

// x + (next - sigma) * velocity, in float32; in x's dtype.
Tensor euler_step(const Tensor& x, const Tensor& velocity, float sigma, float next);

// The first latents: [1, channels, height, width] as torch.randn gives them for this seed on the
// CPU, in this dtype.
Tensor make_noise(std::uint64_t seed, std::array<int64_t, 3> channels_height_width,
                  at::ScalarType dtype);

// [B, c, h, w] -> [B, (h/2)*(w/2), c*4]: each 2x2 square of cells is a token; h and w even.
Tensor pack_latents(const Tensor& latents);
// The inverse; h and w in cells.
Tensor unpack_latents(const Tensor& tokens, int64_t height, int64_t width);

// [rows*columns, 3] float32: (picture, row, column). picture: 0 the one being made, 1 the
// reference.
Tensor make_ids(int picture, int64_t rows, int64_t columns);

}  // namespace pirouette::flux
