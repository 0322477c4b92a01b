#pragma once
// Tells a farm that is broken from a job or a worker that is. Failures count from the last picture
// that anybody made: once some of the workers failed different jobs without one picture between
// them, it is none of theirs (a full share, a driver, a LoRA that nobody can read), and giving out
// more would only use up every job's attempts. Then dispatching stops; one job at a time is tried
// from time to time, and the first picture ends it.
//
// Pure; holds no rows.

#include <algorithm>
#include <map>
#include <set>

#include "common/ids.h"
#include "common/time.h"

namespace pirouette::core {

class FarmWatch {
 public:
  void note_failure(WorkerId worker, JobId job) {
    if (failures_.size() < kRememberedMax) ++failures_[{worker, job}];
  }
  void note_picture() { failures_.clear(); }

  // Three may be three bad jobs on three workers; of a larger farm a half, up to sixteen.
  bool is_broken(std::size_t workers) const {
    std::set<WorkerId> failing;
    std::set<JobId> failed;
    for (const auto& [what, times] : failures_) {
      failing.insert(what.first);
      failed.insert(what.second);
    }
    return failing.size() >= std::max<std::size_t>(3, std::min<std::size_t>(workers / 2, 16)) &&
           failed.size() >= 3;
  }
  // Whose attempts they cost, and how many each.
  const std::map<std::pair<WorkerId, JobId>, std::uint32_t>& failures() const { return failures_; }
  void forget() { failures_.clear(); }

  // Of a stopped farm: when the next job is tried. Twice as long each time, up to eight minutes.
  Instant tries_at() const { return tries_at_; }
  LeaseId trial() const { return trial_; }
  void stop(Instant now) {
    pause_ = kPauseMin;
    tries_at_ = now + pause_;
    trial_ = {};
  }
  void begin_trial(LeaseId lease, Instant now) {
    trial_ = lease;
    pause_ = std::min(pause_ * 2, kPauseMax);
    tries_at_ = now + pause_;
  }
  void try_soon(Instant now) { tries_at_ = std::min(tries_at_, now); }

 private:
  static constexpr std::size_t kRememberedMax = 256;
  static constexpr Duration kPauseMin = seconds(30), kPauseMax = seconds(480);

  std::map<std::pair<WorkerId, JobId>, std::uint32_t> failures_;  // since the last picture
  Duration pause_ = kPauseMin;
  Instant tries_at_;
  LeaseId trial_;
};

}  // namespace pirouette::core
