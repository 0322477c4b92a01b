#pragma once
// What a worker told of a rendering, read for people and tools. A worker may be old or broken: what
// is missing or of another kind is "" or none, and nothing else goes wrong.

#include <optional>
#include <string>

#include "common/job/parameters.h"
#include "common/job/recipe.h"

namespace pirouette::delivery {

struct Metrics {
  WeightDigests weights;  // LoRAs as the recipe has them
  std::string device_kind, device_name, dtype, build;
  std::optional<double> render_seconds;
};

// json: core::Job's metrics.
Metrics read_metrics(const std::string& json, const Recipe& recipe);

}  // namespace pirouette::delivery
