#pragma once
// Which of a picture's steps do less than all: cheaper pictures that are not the same pictures. Off
// unless somebody asks for it. What it does to the quality of real pictures nobody has shown.
//
//   reference=4     the reference's tokens are computed in every 4th step; the steps between
//                   attend to their keys and values as that step left them
//   skip=8+12+16    these steps, counted from 1, take the velocity of the step before
//
// Both may stand together, with a comma: "reference=4,skip=12+16".

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace pirouette {

struct StepCache {
  int reference_every = 1;
  std::vector<int> skipped{};  // counted from 1, rising

  bool is_off() const { return reference_every == 1 && skipped.empty(); }
  // step: counted from 0. The first one always does all.
  bool skips(int step) const;
  bool computes_reference(int step) const { return step % reference_every == 0; }
  bool operator==(const StepCache&) const = default;
};

// "off" or "" is off. invalid: says what is wrong.
Result<StepCache> parse_step_cache(std::string_view text);
// As it is parsed; the same for the same.
std::string to_text(const StepCache& cache);

}  // namespace pirouette
