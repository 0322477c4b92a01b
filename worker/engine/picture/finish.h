#pragma once
// The last step of every rendering: pixels become a result, or a failed attempt where they show
// nothing. The picture itself says how it was made, and the metrics say on what and how long: what
// differs from one attempt to the next stays out of the picture, so that a job gives the same bytes
// every time.

#include <string>
#include <utility>
#include <vector>

#include "common/image/image.h"
#include "common/job/parameters.h"
#include "worker/engine/engine.h"

namespace pirouette::engine {

struct Circumstances {
  WeightDigests weights;
  Device device;
  std::string dtype;                                    // "float32"
  std::string build;                                    // of the engine
  std::vector<std::pair<std::string, double>> seconds;  // by part, in order
};

// retryable: the picture is flat (common/image/flatness.h), or cannot be written as PNG.
RenderOutcome finish_picture(const RenderSpec& spec, const Image& image,
                             const Circumstances& circumstances);

}  // namespace pirouette::engine
