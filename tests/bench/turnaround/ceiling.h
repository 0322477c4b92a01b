#pragma once
// What the model's autoencoder keeps of the truth, with no transformer between: what is lost there,
// no LoRA is to blame for.

#include "tests/bench/turnaround/trial.h"

namespace pirouette::bench {

// Setup::ceiling_characters of them, each from all views, not judged yet. The first error of
// finding or loading the model's autoencoder.
Result<std::vector<JudgedPicture>> truth_through_autoencoder(const Setup& setup);

}  // namespace pirouette::bench
