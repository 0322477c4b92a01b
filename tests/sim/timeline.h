#pragma once
// Virtual time: what is to happen, in order. Of two things at the same instant the one that was
// asked for first comes first, so a run is the same each time.

#include <functional>
#include <map>
#include <utility>

#include "common/time.h"

namespace pirouette::sim {

class Timeline {
 public:
  Instant now() const { return now_; }

  void after(Duration delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
  void at(Instant when, std::function<void()> what) {
    waiting_.emplace(std::pair(when < now_ ? now_ : when, ++asked_), std::move(what));
  }

  // Lets everything happen until then.
  void run_until(Instant end) {
    while (!waiting_.empty() && waiting_.begin()->first.first <= end) {
      auto next = waiting_.extract(waiting_.begin());
      now_ = next.key().first;
      next.mapped()();
    }
    now_ = end;
  }

 private:
  Instant now_{1'767'225'600'000'000};  // 2026-01-01T00:00:00Z
  std::uint64_t asked_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> waiting_;
};

}  // namespace pirouette::sim
