#pragma once
// What is learnt from: examples, each a reference picture, a prompt, and the picture that the model
// should make of them. Immutable; any thread.

#include <cstdint>
#include <string>
#include <vector>

#include "common/image/image.h"
#include "common/result.h"
#include "common/rng.h"

namespace pirouette::train {

struct Example {
  Image reference, target;  // RGB
  std::string prompt;
  // Of the target's pixels, row by row, those that show what the example is about: not 0. Empty:
  // none more than the others.
  std::vector<std::uint8_t> mask = {};
};

class Dataset {
 public:
  virtual ~Dataset() = default;

  // The index-th example of a training that counts from 0 and never ends. rng: this example's own;
  // the same index and rng give the same example, on every machine.
  virtual Result<Example> at(std::uint64_t index, Rng& rng) const = 0;

  // Every prompt that an example may have, so that they are embedded once; none where they are too
  // many to be told: then each is embedded when it is used.
  virtual std::vector<std::string> prompts() const = 0;
};

}  // namespace pirouette::train
