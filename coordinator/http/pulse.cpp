#include "coordinator/http/pulse.h"

#include <algorithm>

namespace pirouette::http {

void Pulse::published(EventId last) {
  const std::lock_guard lock(mutex_);
  if (last <= last_) return;
  last_ = last;
  beat_.notify_all();
}

void Pulse::progressed(std::vector<core::Progress>&& progress) {
  if (progress.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const core::Progress& one : progress) progress_[one.worker] = {one, ++progress_number_};
  beat_.notify_all();
}

void Pulse::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  beat_.notify_all();
}

EventId Pulse::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

std::optional<core::Progress> Pulse::find_progress(WorkerId worker, JobId job) const {
  const std::lock_guard lock(mutex_);
  const auto found = progress_.find(worker);
  if (found == progress_.end() || found->second.progress.job != job) return std::nullopt;
  return found->second.progress;
}

std::vector<core::Progress> Pulse::progress_after(std::uint64_t& seen) const {
  const std::lock_guard lock(mutex_);
  std::vector<core::Progress> newer;
  for (const auto& [worker, latest] : progress_) {
    if (latest.number > seen) newer.push_back(latest.progress);
  }
  seen = progress_number_;
  return newer;
}

bool Pulse::wait(EventId seen, std::uint64_t progress_seen,
                 std::chrono::steady_clock::time_point until) const {
  std::unique_lock lock(mutex_);
  beat_.wait_until(lock, until,
                   [&] { return stopped_ || last_ > seen || progress_number_ > progress_seen; });
  return !stopped_;
}

}  // namespace pirouette::http
