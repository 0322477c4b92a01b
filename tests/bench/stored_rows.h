#pragma once
// Rows as the core writes them, of as many jobs as are wanted, for a database that is to be full:
// batches of 4,000 jobs, numbered in a row from job 1 on.

#include <cstdint>
#include <vector>

#include "coordinator/core/effect.h"
#include "coordinator/store/store.h"

namespace pirouette::bench {

inline constexpr std::uint64_t kViews = 8;
inline constexpr std::uint64_t kJobsPerBatch = 4000;

core::Batch make_batch(std::uint64_t id, std::uint32_t jobs);

// Rows of a batch whose jobs are numbered from first_job on (1, 9, 17 …), all in one state; of
// those that are done their leases and the ledger's rows too.
std::vector<core::Write> make_rows(const core::Batch& batch, std::uint64_t first_job,
                                   core::JobState state, const Digest& reference,
                                   const Digest& picture);

// Batches from that job on until there are so many more, done or queued.
void fill(store::Store& store, std::uint64_t first_job, std::uint64_t jobs, core::JobState state,
          const Digest& reference, const Digest& picture);

// That many workers, online, who have two jobs each of those from first_job on: queued ones until
// now. None of them will be heard again.
void lease_out(store::Store& store, std::uint64_t first_job, std::uint64_t workers);

}  // namespace pirouette::bench
