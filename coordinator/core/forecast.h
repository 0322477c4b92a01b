#pragma once
// When each batch will be ready: the work that waits is given out in the very order in which the
// queue would (fair_order.h, shares that grow as owners get work, what each worker can render), to
// the workers that are there, each job taking what its kind was measured to take on that class of
// device. A job that is rendered just now ends when it is expected to. A worker that takes a job in
// reserve takes it when it begins the one before it, however slow it is.
//
// Twice: with the mean, and with what one night in ten is worse than: the scatter of the jobs a
// worker gets, how little was measured, and kDrift of everything, for what no measurement of the
// evening tells of the night. Failed attempts so far are taken to go on.
//
// The order knows nothing of residency here. However much waits, a forecast costs little: after the
// first kStepsMax jobs the others go in bundles, so that there are as many steps again, one a line
// and two a worker; and of workers that differ in what they can render, kSkillsMax kinds count.
// Pure; whole numbers only.

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "coordinator/core/durations.h"
#include "coordinator/core/fair_order.h"
#include "coordinator/core/fair_share.h"
#include "coordinator/core/state.h"

namespace pirouette::core {

struct PlannedWorker {
  const Worker* row = nullptr;
  ClassId device = 0;
  Instant free_at;        // as expected
  Instant asks_for = {};  // when it has room for one job in reserve: of those that take any
};

struct PlannedLine {
  LineRank rank;
  std::shared_ptr<const Recipe> recipe;
  KindId kind = 0;
  std::int64_t jobs = 0;
};

struct Plan {
  Instant now;
  std::vector<PlannedWorker> workers;
  std::vector<PlannedLine> lines;
  std::map<BatchId, Instant> running_until;  // of what is rendered just now
  std::int64_t failed_permille = 0;          // attempts that failed, of all so far
};

struct Ready {
  Instant p50, p90;
};

// Batches that nobody can say anything about are left out: nothing like them was measured, or
// nobody can render them.
std::map<BatchId, Ready> forecast(const Plan& plan, const Durations& durations, FairShare shares);

inline constexpr std::int64_t kStepsMax = 4'000;
inline constexpr std::size_t kSkillsMax = 64;  // a bit each

}  // namespace pirouette::core
