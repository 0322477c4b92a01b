#pragma once
// What happened just now, for those who watch: the newest ledger row's number and each worker's
// newest progress. The loop beats it; streams wait on it. Rows themselves are read from the
// database by number, so a slow reader costs no memory here. Safe from several threads.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "common/ids.h"
#include "coordinator/core/effect.h"

namespace pirouette::http {

class Pulse {
 public:
  void published(EventId last);
  // A worker renders one job at a time, so its newest progress replaces the one before.
  void progressed(std::vector<core::Progress>&& progress);
  void stop();

  EventId last() const;
  // What this worker last said about this job.
  std::optional<core::Progress> find_progress(WorkerId worker, JobId job) const;
  // What is newer than seen, which goes on to now.
  std::vector<core::Progress> progress_after(std::uint64_t& seen) const;

  // Sleeps until there is a ledger row after seen, or progress after progress_seen, or it is time.
  // false: stopped.
  bool wait(EventId seen, std::uint64_t progress_seen,
            std::chrono::steady_clock::time_point until) const;

 private:
  struct Latest {
    core::Progress progress;
    std::uint64_t number = 0;
  };
  mutable std::mutex mutex_;
  mutable std::condition_variable beat_;
  EventId last_;
  std::map<WorkerId, Latest> progress_;
  std::uint64_t progress_number_ = 0;
  bool stopped_ = false;
};

}  // namespace pirouette::http
