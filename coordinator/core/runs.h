#pragma once
// What is rendered just now, a run a lease: what it is expected to take, and what it was heard to
// do. Derived; a start makes it anew from the leased jobs.

#include <map>

#include "coordinator/core/durations.h"
#include "coordinator/core/fair_order.h"
#include "coordinator/core/state.h"

namespace pirouette::core {

struct Run {
  JobId job;
  PoseId pose;  // the job's, and so on: a worker's every step is told with them
  SheetId sheet;
  BatchId batch;
  WorkerId worker;
  KindId kind = 0;
  ClassId device = 0;
  OwnerId owner;
  bool cold = false;  // its model or LoRAs had to be loaded for it
  // Given out by this process: before a start, and while its worker was not heard, nobody saw what
  // it did, and another clock may have run.
  bool seen_whole = false;
  Duration expected;   // what its owner was charged with
  Instant leased_at;   // or taken up again
  Instant stepped_at;  // when it was heard to get further; before that, leased_at
  std::uint32_t step = 0, of = 0;
};

// A second lease of a leased job, at another worker; see tail.cpp.
struct Twin {
  LeaseId lease;
  WorkerId worker;
};

using Runs = std::map<LeaseId, Run>;

}  // namespace pirouette::core
