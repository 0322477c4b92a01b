#include "worker/train/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pirouette::train {

Result<LrScheduler> parse_lr_scheduler(const std::string& text) {
  if (text == "constant") return LrScheduler::constant;
  if (text == "constant_with_warmup") return LrScheduler::constant_with_warmup;
  if (text == "cosine") return LrScheduler::cosine;
  return Error{Errc::invalid,
               "--lr_scheduler " + text + " is none of constant, constant_with_warmup and cosine"};
}

double LearningRate::after(std::int64_t steps) const {
  if (scheduler == LrScheduler::constant) return base;
  const auto share = [](std::int64_t part, std::int64_t of) {
    return static_cast<double>(part) / static_cast<double>(std::max<std::int64_t>(1, of));
  };
  if (steps < warmup_steps) return base * share(steps, warmup_steps);
  if (scheduler == LrScheduler::constant_with_warmup) return base;
  const double done = std::min(1.0, share(steps - warmup_steps, train_steps - warmup_steps));
  return base * 0.5 * (1 + std::cos(std::numbers::pi * done));
}

}  // namespace pirouette::train
