#pragma once
// Float8 beside bfloat16: a step's time, where its error comes from, a whole run's outcome, and the
// memory it takes, under the caps of smaller cards too.

#include <vector>

#include "worker/flux/kontext.h"

namespace pirouette::flux::bench {

void measure_float8(const KontextFiles& files, const std::vector<ScaledLora>& lora,
                    at::Device device);

}  // namespace pirouette::flux::bench
