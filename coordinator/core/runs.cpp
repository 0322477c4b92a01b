// What is rendered just now: who is charged for it, what it is measured by, and where it waits
// before it. See runs.h, fair_share.h and durations.h.

#include "coordinator/core/runs.h"

#include <algorithm>

#include "coordinator/core/impl.h"

namespace pirouette::core {
namespace {

// What a job is taken for before any was measured: a sheet's pose on a common GPU.
constexpr Duration kUnmeasured = seconds(30);

}  // namespace

// --- where a job waits ---

Queue::Place Core::Impl::place_of(const Batch& batch, const Job& job) {
  const bool fills = batch.recipe->held_fills_idle && waits_for_proof(job);
  return {shares_.owner(batch.owner), batch.idle_only || fills};
}

void Core::Impl::enqueue(const Batch& batch, const Sheet& sheet, const Job& job) {
  const Queue::Place place = place_of(batch, job);
  queue_.set_share(place.owner, shares_.share(place.owner, now_));
  queue_.add(batch, sheet, job, place);
  if (const ClassId begun = open_sheets_[sheet.id].device_class) {
    queue_.note_class(batch, sheet, begun, place);
  }
}

void Core::Impl::dequeue(const Batch& batch, const Sheet& sheet, const Job& job) {
  queue_.remove(batch, sheet, job, place_of(batch, job));
}

// --- a run ---

ClassId Core::Impl::class_of(const Worker& worker) {
  return durations_.class_of(worker.device_kind, worker.device_name);
}

KindId Core::Impl::kind_of_jobs(const Batch& batch) {
  const auto [known, is_new] = kinds_.try_emplace(batch.id, 0);
  if (is_new) known->second = durations_.kind_of(*batch.recipe);
  return known->second;
}

Run& Core::Impl::begin_run(LiveWorker& live, const Job& job, LeaseId lease, bool cold) {
  const Batch& batch = get_batch(job.batch);
  Run run;
  run.job = job.id;
  run.pose = job.pose;
  run.sheet = job.sheet;
  run.batch = job.batch;
  run.worker = live.id;
  run.kind = kind_of_jobs(batch);
  run.device = live.device_class;
  run.owner = shares_.owner(batch.owner);
  run.cold = cold;
  run.leased_at = run.stepped_at = now_;
  const auto guess = durations_.guess(run.kind, run.device);
  run.expected = guess ? guess->mean : kUnmeasured;
  shares_.open(run.owner, run.expected);
  queue_.set_share(run.owner, shares_.share(run.owner, now_));
  begin_on_class(batch, get_sheet(job.sheet), job, run.device);
  return runs_[lease] = run;
}

// The first device that renders a character settles its class.
void Core::Impl::begin_on_class(const Batch& batch, const Sheet& sheet, const Job& job,
                                ClassId device) {
  OpenSheet& open = open_sheets_.at(sheet.id);
  if (open.device_class != 0 || device == 0) return;
  open.device_class = device;
  queue_.note_class(batch, sheet, device, place_of(batch, job));
}

// Its worker has it no more. Returns what the worker had to do with it.
Duration Core::Impl::end_run(LeaseId lease) {
  const auto found = runs_.find(lease);
  if (found == runs_.end()) return {};
  const Run& run = found->second;
  shares_.close(run.owner, run.expected);
  queue_.set_share(run.owner, shares_.share(run.owner, now_));
  Duration took;
  if (LiveWorker* live = fleet_.find(run.worker)) {
    took = now_ - std::max(run.leased_at, live->freed_at);
    live->freed_at = now_;
  }
  runs_.erase(found);
  return std::max(took, Duration{});
}

// A picture or a failure of it: what it took is its owner's, whoever's fault it was.
void Core::Impl::charge(Batch& batch, Duration took) {
  const OwnerId owner = shares_.owner(batch.owner);
  batch.rendered.us += took.us;
  batch.rendered_at = now_;
  shares_.add(owner, took, now_);
  if (shares_.rebase(now_)) {
    for (const OwnerId each : shares_.owners()) {
      queue_.set_share(each, shares_.share(each, now_));
    }
  } else {
    queue_.set_share(owner, shares_.share(owner, now_));
  }
}

// What a job took counts as measured where its worker was heard all the while, and had nothing to
// load for it: results that come together after a cut say nothing.
void Core::Impl::measure(const Run& run, Duration took) {
  const LiveWorker* live = fleet_.find(run.worker);
  if (!live || run.cold || !run.seen_whole || took <= Duration{}) return;
  if (live->hello_at > run.leased_at) return;
  durations_.note(run.kind, run.device, took);
}

// --- a start ---

void Core::Impl::recall_use() {
  for (const PastUse& use : state_.past_use) {
    shares_.add(shares_.owner(use.owner), use.rendered, use.at);
  }
  state_.past_use.clear();
  for (const auto& [id, batch] : state_.batches) {
    if (batch.rendered_at)
      shares_.add(shares_.owner(batch.owner), batch.rendered, *batch.rendered_at);
  }
}

// What the done jobs in memory took: each from the one before it on the same worker.
void Core::Impl::recall_durations() {
  std::map<std::pair<WorkerId, Instant>, const Job*> done;
  for (const auto& [id, job] : state_.jobs) {
    if (job.state != JobState::done || !job.leased_at || !job.ended_at) continue;
    done[{job.worker, *job.ended_at}] = &job;
  }
  const Job* before = nullptr;
  for (const auto& [key, job] : done) {
    const bool same = before && before->worker == job->worker;
    if (same && before->batch == job->batch) {
      const Duration took = *job->ended_at - std::max(*job->leased_at, *before->ended_at);
      if (took > Duration{}) {
        durations_.note(kind_of_jobs(get_batch(job->batch)), class_of(get_worker(job->worker)),
                        took);
      }
    }
    before = job;
  }
}

}  // namespace pirouette::core
