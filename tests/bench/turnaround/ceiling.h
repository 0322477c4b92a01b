#pragma once
// What any LoRA of a model could reach at most: the truth itself, through the model's autoencoder
// and back.

#include "tests/bench/turnaround/trial.h"

namespace pirouette::bench {

// Setup::ceiling_characters of them, each from all views, not judged yet. The first error of
// finding or loading the model's autoencoder.
Result<std::vector<JudgedPicture>> truth_through_autoencoder(const Setup& setup);

}  // namespace pirouette::bench
