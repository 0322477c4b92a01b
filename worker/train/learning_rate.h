#pragma once
// How the learning rate goes over a training. Pure, free of torch. Names are those of Hugging
// Face's --lr_scheduler.

#include <cstdint>
#include <string>

#include "common/result.h"

namespace pirouette::train {

enum class LrScheduler { constant, constant_with_warmup, cosine };

// invalid names the ones there are.
Result<LrScheduler> parse_lr_scheduler(const std::string& text);

struct LearningRate {
  LrScheduler scheduler = LrScheduler::constant;
  double base = 1e-4;
  std::int64_t warmup_steps = 0;  // linearly up from 0; not for constant
  std::int64_t train_steps = 1;   // where cosine ends at 0

  // Of the step after so many steps.
  double after(std::int64_t steps) const;
};

}  // namespace pirouette::train
