#include "coordinator/http/pulse.h"

#include <algorithm>

namespace pirouette::http {

void Pulse::published(EventId last) {
  const std::lock_guard lock(mutex_);
  last_ = std::max(last_, last);
}

void Pulse::progressed(std::vector<core::Progress>&& progress) {
  if (progress.empty()) return;
  const std::lock_guard lock(mutex_);
  for (const core::Progress& one : progress) progress_[one.worker] = {one, ++progress_number_};
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

std::uint64_t Pulse::progress_number() const {
  const std::lock_guard lock(mutex_);
  return progress_number_;
}

}  // namespace pirouette::http
