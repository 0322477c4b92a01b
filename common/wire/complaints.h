#pragma once
// Warnings that somebody outside can cause as often as they like: all are counted, and one in
// kEvery is logged with how many were left out. Owned by one thread.

#include <cstdint>
#include <string>
#include <utility>

#include "common/clock.h"
#include "common/log.h"

namespace pirouette::wire {

class Complaints {
 public:
  static constexpr Duration kEvery = seconds(5);

  explicit Complaints(std::string part) : part_(std::move(part)) {}

  void say(const std::string& text) {
    const Instant now = monotonic_now();
    if (logged_at_.us != 0 && now - logged_at_ < kEvery) {
      ++left_out_;
      return;
    }
    log::warn(part_, left_out_ == 0
                         ? text
                         : text + " (and " + std::to_string(left_out_) + " more like it)");
    logged_at_ = now;
    left_out_ = 0;
  }

 private:
  std::string part_;
  Instant logged_at_{};
  std::uint64_t left_out_ = 0;
};

}  // namespace pirouette::wire
