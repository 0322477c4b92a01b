#pragma once
// A database in a few maps: takes the core's writes, and gives back the State that a start reads.
// It follows the store's rules on what a start reads (unsettled batches and what is theirs), so a
// write that the core forgot shows as a State that differs from the core's own.

#include <map>
#include <string>
#include <vector>

#include "coordinator/core/effect.h"

namespace pirouette::sim {

class Rows {
 public:
  void apply(const std::vector<core::Write>& writes);
  core::State load() const;
  // A settled batch's rows, as the store recalls them.
  core::State recall(const core::Recall& wanted) const;

  std::map<BatchId, core::Batch> batches;
  std::map<SheetId, core::Sheet> sheets;
  std::map<PoseId, core::Pose> poses;
  std::map<JobId, core::Job> jobs;
  std::map<LeaseId, core::Lease> leases;
  std::map<WorkerId, core::Worker> workers;
  std::map<LoraId, core::Lora> loras;
  std::vector<core::LedgerRow> ledger;

 private:
  void add_theirs(core::State& state) const;
};

// Every row as a line, without what is written with a delay on purpose: when a worker was last
// heard, what it has in memory, and its counts.
std::string describe(const core::State& state);

}  // namespace pirouette::sim
