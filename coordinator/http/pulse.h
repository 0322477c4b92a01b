#pragma once
// What happened just now, for those who watch: the newest ledger row's number and each worker's
// newest progress. The loop beats it; the stream hub looks at it. Rows themselves are read from the
// database by number, so a slow reader costs no memory here. Safe from several threads.

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

  EventId last() const;
  // What this worker last said about this job.
  std::optional<core::Progress> find_progress(WorkerId worker, JobId job) const;
  // What is newer than seen, which goes on to now.
  std::vector<core::Progress> progress_after(std::uint64_t& seen) const;

  // Goes up with each progress.
  std::uint64_t progress_number() const;

 private:
  struct Latest {
    core::Progress progress;
    std::uint64_t number = 0;
  };
  mutable std::mutex mutex_;
  EventId last_;
  std::map<WorkerId, Latest> progress_;
  std::uint64_t progress_number_ = 0;
};

}  // namespace pirouette::http
