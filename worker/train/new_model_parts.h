#pragma once
// The weights of a new model's four parts, under the names that its files have.

#include <vector>

#include "worker/train/random_weights.h"

namespace pirouette::train {

struct NewTransformer {
  std::int64_t doubles = 0, singles = 0, heads = 0, head_width = 0;
  std::int64_t channels = 0, text = 0, pooled = 0;  // of a token, of T5, of CLIP
  bool guided = false;
};
void add_transformer(const NewTransformer& sizes, RandomWeights& weights);

struct NewAutoencoder {
  std::vector<std::int64_t> widths;  // of the four levels
  std::int64_t blocks = 0, latents = 0;
};
void add_autoencoder(const NewAutoencoder& sizes, RandomWeights& weights);

struct NewClip {
  std::int64_t width = 0, inner = 0, layers = 0, words = 0, positions = 77;
};
void add_clip(const NewClip& sizes, RandomWeights& weights);

struct NewT5 {
  std::int64_t width = 0, inner = 0, heads = 0, head_width = 0, layers = 0, words = 0;
  std::int64_t buckets = 32;
};
void add_t5(const NewT5& sizes, RandomWeights& weights);

}  // namespace pirouette::train
