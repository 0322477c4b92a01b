#pragma once
// What holds between any two steps. Read-only and O(everything): run by the tests after each step.
//
//   1. A job is leased if and only if it names a lease, its newest, at a worker that is there.
//   2. A done job has a picture and a maker, and no leases are kept for it.
//   3. The counts of a batch are those of its jobs and sheets; unless it was cancelled, it is
//      finished when no sheet is open.
//   4. No id is at or above the next one of its kind.
// Core::find_broken_invariants adds what the core derives from the State:
//   5. The queue holds the queued jobs; the fleet's open leases are the leased jobs.
//   6. A rendering sheet has an open job, or its assembly is under way. (Nothing gets stuck.)
//   7. No job waits while a worker has room that may take it.

#include <string>
#include <vector>

#include "coordinator/core/state.h"

namespace pirouette::core {

// Promises 1 to 4. Empty: they hold.
std::vector<std::string> find_broken_invariants(const State& state);

}  // namespace pirouette::core
