#pragma once
// One denoising step: what the card can do at best, what the step takes, and where the time goes.

#include "worker/flux/autoencoder.h"
#include "worker/flux/transformer.h"

namespace pirouette::flux::bench {

// Rates of this card, measured: TFLOP/s of products and of attention, TB/s of a copy.
struct Ceilings {
  double gemm_tflops = 0, attention_tflops = 0, copy_tbps = 0;
};
Ceilings measure_ceilings(at::Device device);

// What one pass of the step below computes.
double products_tflop();
double attention_tflop();

// 1024 x 1024 output, the same reference, 512 text tokens, batch 1; and milliseconds of one of a
// picture's steps on it.
TransformerInput full_size_input(at::Device device);
double measure_step_of_picture(const Transformer& model, TransformerInput input, at::Device device);

// 1024 x 1024 output, the same reference, 512 text tokens, batch 1: milliseconds of one of a
// picture's steps.
double measure_step(const Transformer& model, const Ceilings& ceilings, at::Device device);

// The step's parts alone, at its sizes and as often as it runs them.
void measure_parts(double step_ms, at::Device device);

void measure_autoencoder(const Autoencoder& model, at::Device device);

}  // namespace pirouette::flux::bench
