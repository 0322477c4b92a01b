// The end of the night: nothing waits any more, some workers idle, and a few jobs are still with
// slow workers, or wait behind another one. Those are begun a second time on idle workers where
// that promises to be sooner; the first picture counts, and the other worker is told to stop.
// Pictures of one seed are alike, so it does not matter whose is first.
//
// A job has one lease by its row and at most one twin beside it. Where the first ends without a
// picture, the twin takes its place. A start forgets twins: their workers are told to drop them, or
// hand in a picture that counts like any other.

#include <algorithm>

#include "coordinator/core/impl.h"
#include "coordinator/core/ledger.h"

namespace pirouette::core {
namespace {

// Looked at once a tick; more idle workers than this wait for the next.
constexpr std::size_t kTwinsATick = 64;
// Loading a model takes most of a minute.
constexpr Duration kLoading = seconds(60);

struct Slow {
  Instant ends_at;
  LeaseId lease;
};

}  // namespace

void Core::Impl::twin_slow_jobs() {
  if (!queue_.empty() || !state_.farm_stopped.empty()) return;
  fleet_.readmit();
  std::vector<WorkerId> idle;
  for (const auto& [load, slowness, worker] : fleet_.hungry()) {
    if (load > 0 || idle.size() == kTwinsATick) break;
    idle.push_back(worker);
  }
  if (idle.empty() || runs_.empty()) return;
  std::vector<Slow> slow;
  for (const auto& [id, live] : fleet_.live()) {
    Instant free_at = now_;
    for (const auto& [lease, job] : live.leases) {
      const Run& run = runs_.at(lease);
      const auto like = durations_.guess(run.kind, run.device);
      if (!like || like->mean <= Duration{}) continue;
      const bool first = lease == live.leases.begin()->first;
      const Instant began = std::max(run.leased_at, live.freed_at);
      // What is overdue may take as long again as it took.
      const Duration left = std::max(began + like->mean - now_, Duration{});
      free_at = !first ? free_at + like->mean : left.us > 0 ? now_ + left : now_ + (now_ - began);
      if (!twins_.contains(job)) slow.push_back({free_at, lease});
    }
  }
  std::ranges::sort(slow, [](const Slow& a, const Slow& b) {
    return a.ends_at != b.ends_at ? a.ends_at > b.ends_at : a.lease < b.lease;
  });
  if (slow.size() > kTwinsATick) slow.resize(kTwinsATick);
  for (const WorkerId id : idle) {
    LiveWorker& live = *fleet_.find(id);
    for (const Slow& each : slow) {
      const auto run = runs_.find(each.lease);
      if (run != runs_.end() && is_sooner(live, run->second, each.ends_at)) {
        begin_twin(live, run->second.job);
        break;
      }
    }
  }
}

bool Core::Impl::is_sooner(const LiveWorker& live, const Run& run, Instant ends_at) const {
  const Job& job = state_.jobs.at(run.job);
  const Batch& batch = state_.batches.at(job.batch);
  const Worker& worker = *live.row;
  if (run.worker == live.id || twins_.contains(job.id) || batch.paused) return false;
  if (!can_render(worker, *batch.recipe) || avoidance_.avoids(job.id, live.id)) return false;
  const auto like = durations_.guess(run.kind, live.device_class);
  if (!like) return false;
  const Duration loading = live.residency.has_weights(*batch.recipe) ? Duration{} : kLoading;
  // By a quarter of a job, or it is not worth the power.
  return now_ + loading + like->mean + Duration{like->mean.us / 4} < ends_at;
}

void Core::Impl::begin_twin(LiveWorker& live, JobId id) {
  Job& job = get_job(id);
  const Batch& batch = get_batch(job.batch);
  const Sheet& sheet = get_sheet(job.sheet);
  const Lease row{state_.next.lease, id, live.id, ++job.attempts, now_};
  ++state_.next.lease.value;
  put(row);
  put(job);
  state_.leases.emplace(id, row);
  note(ledger::kJobTwinned, job, row.id, live.id,
       "nothing else waits, and it may be done sooner here than by " + get_worker(job.worker).name);
  twins_[id] = {row.id, live.id};
  fleet_.open(live, row.id, id);
  begin_run(live, job, row.id, !live.residency.has_weights(*batch.recipe)).seen_whole = true;
  live.residency.note(batch.recipe, sheet.reference);
  reckon(live);
  const View& view = batch.recipe->views[state_.poses.at(job.pose).view];
  send(SendAssign{live.link, row.id, id, row.attempt,
                  make_render_spec(*batch.recipe, view, sheet.reference, sheet.notes,
                                   job.correction, job.seed)});
}

bool Core::Impl::is_twin(LeaseId lease) const {
  const auto run = runs_.find(lease);
  if (run == runs_.end()) return false;
  const auto twin = twins_.find(run->second.job);
  return twin != twins_.end() && twin->second.lease == lease;
}

// Returns what its worker had to do with it.
Duration Core::Impl::end_twin(JobId id, const std::string& why, bool cancel) {
  const auto found = twins_.find(id);
  if (found == twins_.end()) return {};
  const Twin twin = found->second;
  twins_.erase(found);
  LiveWorker& live = *fleet_.find(twin.worker);
  if (!why.empty()) note(ledger::kJobTwinEnded, get_job(id), twin.lease, twin.worker, why);
  if (cancel && live.link) send(SendCancel{live.link, twin.lease});
  const Duration took = end_run(twin.lease);
  fleet_.close(twin.worker, twin.lease);
  reckon(live);
  return took;
}

// The job's own lease is over; true where its twin goes on for it.
bool Core::Impl::promote_twin(Job& job) {
  const auto twin = twins_.find(job.id);
  if (twin == twins_.end()) return false;
  job.lease = twin->second.lease;
  job.worker = twin->second.worker;
  job.leased_at = runs_.at(job.lease).leased_at;
  twins_.erase(twin);
  put(job);
  note(ledger::kJobLeased, job, job.lease, job.worker, "its twin goes on");
  return true;
}

}  // namespace pirouette::core
