#include "coordinator/core/invariants.h"

#include "coordinator/core/impl.h"

namespace pirouette::core {
namespace {

std::string number(auto id) { return std::to_string(id.value); }

// The promises about one State, each broken one said in a sentence.
class Inspection {
 public:
  explicit Inspection(const State& state) : state_(state) {}

  std::vector<std::string> run() && {
    for (const auto& [id, job] : state_.jobs) inspect(job);
    for (const auto& [id, sheet] : state_.sheets) {
      Counts& counts = counts_[sheet.batch];
      ++counts.sheets;
      if (sheet.state == SheetState::rendering) ++counts.sheets_open;
      demand(id < state_.next.sheet, "sheet " + number(id) + " is numbered too high");
    }
    for (const auto& [id, batch] : state_.batches) inspect(batch);
    for (const auto& [job, lease] : state_.leases) {
      const auto found = state_.jobs.find(job);
      demand(found != state_.jobs.end() && found->second.state != JobState::done,
             "lease " + number(lease.id) + " is kept for a job that is over");
      demand(lease.id < state_.next.lease, "lease " + number(lease.id) + " is numbered too high");
    }
    return std::move(broken_);
  }

 private:
  struct Counts {
    std::uint32_t sheets = 0, sheets_open = 0, jobs = 0, done = 0, failed = 0, cancelled = 0;
  };

  void demand(bool holds, const std::string& otherwise) {
    if (!holds) broken_.push_back(otherwise);
  }

  void inspect(const Job& job) {
    const std::string who = "job " + number(job.id);
    Counts& counts = counts_[job.batch];
    ++counts.jobs;
    if (job.state == JobState::done) ++counts.done;
    if (job.state == JobState::failed) ++counts.failed;
    if (job.state == JobState::cancelled) ++counts.cancelled;
    demand(job.id < state_.next.job, who + " is numbered too high");
    demand((job.state == JobState::leased) == static_cast<bool>(job.lease),
           who + " is " + std::string(name(job.state)) + " and names lease " + number(job.lease));
    if (job.state == JobState::leased) inspect_lease(job, who);
    if (job.state == JobState::done) {
      demand(static_cast<bool>(job.result) && job.worker, who + " is done without a picture");
      const auto pose = state_.poses.find(job.pose);
      demand(pose != state_.poses.end() && pose->second.chosen,
             who + " is done and its pose shows nothing");
    }
  }

  void inspect_lease(const Job& job, const std::string& who) {
    const auto [first, last] = state_.leases.equal_range(job.id);
    bool found = false;
    for (auto at = first; at != last; ++at) {
      found = found || (at->second.id == job.lease && at->second.worker == job.worker);
    }
    demand(found, who + " is leased under a lease that nobody keeps");
    const auto worker = state_.workers.find(job.worker);
    demand(worker != state_.workers.end() && (worker->second.state == WorkerState::online ||
                                              worker->second.state == WorkerState::draining),
           who + " is leased to a worker that is not there");
  }

  void inspect(const Batch& batch) {
    const std::string who = "batch " + number(batch.id);
    const Counts& counts = counts_[batch.id];
    demand(batch.id < state_.next.batch, who + " is numbered too high");
    demand(batch.sheets == counts.sheets && batch.sheets_open == counts.sheets_open,
           who + " miscounts its sheets");
    demand(batch.jobs == counts.jobs && batch.jobs_done == counts.done &&
               batch.jobs_failed == counts.failed && batch.jobs_cancelled == counts.cancelled,
           who + " miscounts its jobs");
    demand(batch.state == BatchState::cancelled ||
               (batch.state == BatchState::finished) == (batch.sheets_open == 0),
           who + " is " + std::string(name(batch.state)) + " with " +
               std::to_string(batch.sheets_open) + " sheets open");
  }

  const State& state_;
  std::map<BatchId, Counts> counts_;
  std::vector<std::string> broken_;
};

}  // namespace

std::vector<std::string> find_broken_invariants(const State& state) {
  return Inspection(state).run();
}

std::vector<std::string> Core::Impl::find_broken_invariants() const {
  std::vector<std::string> broken = core::find_broken_invariants(state_);
  compare_queue(broken);
  compare_leases(broken);
  compare_sheets(broken);
  for (const auto* hungry : {&fleet_.hungry(), &fleet_.aside()}) {
    for (const auto& [load, slowness, id] : *hungry) {
      if (!may_dispatch()) break;
      if (const auto choice = choose_for(*fleet_.find(id))) {
        broken.push_back("worker " + number(id) + " has room and job " + number(choice->job) +
                         " waits");
      }
    }
  }
  return broken;
}

void Core::Impl::compare_queue(std::vector<std::string>& broken) const {
  std::size_t waiting = 0;
  queue_.visit([&](const LineRank&, const Queue::Line& line) {
    for (const auto& [sheet, group] : line.groups) {
      for (const Queue::Waiting& entry : group.jobs) {
        ++waiting;
        const auto job = state_.jobs.find(entry.job);
        if (job == state_.jobs.end() || job->second.state != JobState::queued) {
          broken.push_back("job " + number(entry.job) + " waits in the queue and is not queued");
        }
      }
    }
    return true;
  });
  std::size_t queued = 0;
  for (const auto& [id, job] : state_.jobs) queued += job.state == JobState::queued ? 1 : 0;
  if (queued != waiting || waiting != queue_.size()) {
    broken.push_back(std::to_string(queued) + " jobs are queued, and the queue holds " +
                     std::to_string(waiting));
  }
}

void Core::Impl::compare_leases(std::vector<std::string>& broken) const {
  std::size_t leased = 0;
  for (const auto& [id, job] : state_.jobs) {
    if (job.state != JobState::leased) continue;
    ++leased;
    const LiveWorker* live = fleet_.find(job.worker);
    if (!live || !live->leases.contains(job.lease)) {
      broken.push_back("job " + number(id) + " is leased, and its worker does not know");
    }
  }
  std::size_t open = 0;
  for (const auto& [id, live] : fleet_.live()) open += live.leases.size();
  if (open != runs_.size()) {
    broken.push_back(std::to_string(runs_.size()) + " runs under " + std::to_string(open) +
                     " open leases");
  }
  if (open != leased + twins_.size()) {
    broken.push_back(std::to_string(leased) + " jobs are leased under " + std::to_string(open) +
                     " open leases");
  }
}

void Core::Impl::compare_sheets(std::vector<std::string>& broken) const {
  std::map<SheetId, std::uint32_t> open;
  for (const auto& [id, job] : state_.jobs) {
    if (job.state == JobState::held || job.state == JobState::queued ||
        job.state == JobState::leased) {
      ++open[job.sheet];
    }
  }
  for (const auto& [id, job] : state_.jobs) {
    if (job.state == JobState::held && state_.sheets.at(job.sheet).proof != Proof::waiting) {
      broken.push_back("job " + number(id) + " is held for nothing");
    }
  }
  for (const auto& [id, sheet] : state_.sheets) {
    const OpenSheet& known = open_sheets_.at(id);
    if (known.jobs_open != open[id]) {
      broken.push_back("sheet " + number(id) + " miscounts its open jobs");
    }
    const bool asked = known.version_asked > sheet.version || assemble_now_.contains(id) ||
                       assemble_again_.contains(id);
    if (sheet.state == SheetState::rendering && open[id] == 0 && !asked) {
      broken.push_back("sheet " + number(id) + " waits for nothing");
    }
  }
}

}  // namespace pirouette::core
