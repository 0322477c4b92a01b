// Who is to blame when something fails, and what follows from it: another attempt, a worker in
// quarantine, or a farm that stops giving out work. Also what nobody reports as failed and is: jobs
// that hang, and pictures that come too fast to have been rendered.

#include <algorithm>

#include "coordinator/core/impl.h"
#include "coordinator/core/ledger.h"

namespace pirouette::core {
namespace {

// A worker that failed so many different jobs in a row, with no picture between them.
constexpr std::size_t kFailedJobsMax = 3;

constexpr Duration kProbeAfter = seconds(30);
constexpr std::uint32_t kProbeDoublingsMax = 7;  // 64 minutes
constexpr Duration kProbeMax = seconds(1800);

// No word of progress for so long is a hang. A model may come over a slow network before the first.
constexpr Duration kStallMax = seconds(600);
constexpr Duration kColdStallMax = seconds(1800);

// What like jobs took says something from so many on.
constexpr std::uint32_t kMeasuredEnough = 5;
constexpr std::int64_t kFarLonger = 4;
constexpr Duration kFarLongerAtLeast = seconds(60);
constexpr Duration kHangMin = std::min(kStallMax, kFarLongerAtLeast);
constexpr std::int64_t kFarFaster = 8;
constexpr Duration kTooShortToTell = seconds(2);

std::string in_seconds(Duration time) {
  const std::int64_t tenths = time.us / 100'000;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

// --- an attempt fails ---

void Core::Impl::fail_attempt(LiveWorker& live, Job& job, FailureClass failure,
                              const std::string& why) {
  Worker& worker = get_worker(live.id);
  ++worker.jobs_failed;
  live.row_changed = true;
  ++job.failures;
  job.error = why;
  avoidance_.note(job.id, worker.id, now_);
  if (failure == FailureClass::worker) note_cannot_work(live, why);
  if (failure == FailureClass::retryable) note_trouble(live);
  const JobId id = job.id;
  if (failure == FailureClass::job || job.failures >= policy_.failures_max) {
    fail_for_good(job, why);
  } else {
    requeue(job, why);
  }
  if (failure == FailureClass::job) return;
  watch_.note_failure(worker.id, id);
  if (failure == FailureClass::retryable) doubt(live, id, why);
  stop_if_broken(why);
}

// --- a worker is not trusted any more ---

void Core::Impl::doubt(LiveWorker& live, JobId failed, const std::string& why) {
  Worker& worker = get_worker(live.id);
  Trust& trust = live.trust;
  if (trust.failed.size() < kFailedJobsMax) trust.failed.insert(failed);
  if (!worker.quarantine.empty()) return probe_later(live);
  if (trust.failed.size() < kFailedJobsMax) return;
  worker.quarantine = "it failed " + std::to_string(kFailedJobsMax) +
                      " different jobs in a row, the last time: " + why;
  put(worker);
  note(ledger::kWorkerQuarantined, worker, worker.quarantine);
  trust.probes = 0;
  probe_later(live);
  reckon(live);
  queue_.stir();
}

void Core::Impl::probe_later(LiveWorker& live) {
  Trust& trust = live.trust;
  trust.probe = {};
  trust.on_trial = false;
  trust.probe_at =
      now_ + kProbeAfter * (std::int64_t{1} << std::min(trust.probes, kProbeDoublingsMax));
  ++trust.probes;
  reckon(live);
}

void Core::Impl::release(LiveWorker& live, const std::string& why) {
  Worker& worker = get_worker(live.id);
  live.trust = {};
  live.troubles = 0;
  live.rests_until = {};
  worker.quarantine.clear();
  put(worker);
  note(ledger::kWorkerReleased, worker, why);
  reckon(live);
  queue_.stir();
}

void Core::Impl::probe_if_due(LiveWorker& live) {
  const Worker& worker = get_worker(live.id);
  Trust& trust = live.trust;
  if (worker.quarantine.empty() || !live.link || worker.state != WorkerState::online) return;
  if (trust.probe && now_ - trust.probe_began >= kProbeMax) {
    send(SendCancel{live.link, trust.probe});
    return probe_later(live);
  }
  if (trust.probe || trust.on_trial || live.load() > 0 || worker.capacity == 0) return;
  if (now_ < trust.probe_at) return;
  const KnownPicture* known =
      known_pictures_.find({live.device_class, worker.engine_build}, worker.id);
  Recipe needs;
  if (known) {
    needs.model = known->spec.model;
    needs.loras = known->spec.loras;
    needs.required_tags = known->required_tags;
  }
  if (!known || !can_render(worker, needs)) {
    trust.on_trial = true;
    return reckon(live);
  }
  const Lease row{state_.next.lease, known->job, live.id, 0, now_};
  ++state_.next.lease.value;
  put(row);
  trust.probe = row.id;
  trust.probe_job = known->job;
  trust.probe_began = now_;
  trust.wanted = known->picture;
  send(SendAssign{live.link, row.id, known->job, 0, known->spec});
}

// True where the picture was a probe's.
bool Core::Impl::judge_probe(const LeaseFinished& event) {
  LiveWorker* live = fleet_.find_by_link(event.link);
  if (!live || !live->trust.probe || live->trust.probe != event.lease) return false;
  send(SendAcknowledged{event.link, event.lease, event.job, true});
  const std::string which = "job " + std::to_string(event.job.value);
  if (event.result == live->trust.wanted) {
    release(*live, "it made the known picture of " + which);
    return true;
  }
  Worker& worker = get_worker(live->id);
  worker.quarantine = "its picture of " + which +
                      " is another one than a healthy worker of its kind made; have its device and "
                      "its files looked at, then restart it";
  put(worker);
  note(ledger::kWorkerQuarantined, worker, worker.quarantine);
  live->trust.probe = {};
  live->trust.probe_at = kNever;
  return true;
}

// True where the lease was a probe's.
bool Core::Impl::end_probe(LiveWorker& live, LeaseId lease) {
  if (!live.trust.probe || live.trust.probe != lease) return false;
  probe_later(live);
  return true;
}

// just_now: under the lease that it was rendered under, not out of an outbox. A healthy worker's
// picture may be another's probe.
void Core::Impl::note_picture(const Job& job, const Worker& maker, bool just_now) {
  if (just_now) {
    watch_.note_picture();
    resume();
  }
  LiveWorker* live = fleet_.find(maker.id);
  if (!live) return;
  live->trust.failed.clear();
  if (live->trust.on_trial) {
    release(*live, "it made the picture of job " + std::to_string(job.id.value));
  }
  const KnownPictures::Key key{live->device_class, maker.engine_build};
  if (!maker.quarantine.empty() || !known_pictures_.wants(key, maker.id, now_)) return;
  const Batch& batch = get_batch(job.batch);
  const Sheet& sheet = get_sheet(job.sheet);
  const View& view = batch.recipe->views[get_pose(job.pose).view];
  known_pictures_.keep(key, {job.id,
                             make_render_spec(*batch.recipe, view, sheet.reference, sheet.notes,
                                              job.correction, job.seed),
                             batch.recipe->required_tags, job.result, maker.id, now_});
}

// --- the farm is not trusted any more ---

void Core::Impl::stop_if_broken(const std::string& why) {
  if (!state_.farm_stopped.empty()) return;
  std::size_t online = 0;
  if (watch_.failures().size() < 3) return;
  for (const auto& [id, live] : fleet_.live()) online += live.link ? 1 : 0;
  if (!watch_.is_broken(online)) return;
  state_.farm_stopped =
      "different workers failed different jobs and nobody made a picture since; the last said: " +
      why;
  LedgerRow row;
  row.kind = ledger::kFarmStopped;
  row.detail = state_.farm_stopped;
  append(std::move(row));
  watch_.stop(now_);
  // It was none of the jobs' faults.
  for (const auto& [what, times] : watch_.failures()) {
    const auto job = state_.jobs.find(what.second);
    if (job == state_.jobs.end() || job->second.state != JobState::queued) continue;
    job->second.failures -= std::min(job->second.failures, times);
    put(job->second);
  }
  watch_.forget();
}

void Core::Impl::resume() {
  if (state_.farm_stopped.empty()) return;
  state_.farm_stopped.clear();
  LedgerRow row;
  row.kind = ledger::kFarmResumed;
  row.detail = "a picture was made";
  append(std::move(row));
  queue_.stir();
}

// A stopped farm tries one job at a time.
bool Core::Impl::may_dispatch() const {
  if (state_.farm_stopped.empty()) return true;
  return !runs_.contains(watch_.trial()) && ticked_at_ >= watch_.tries_at();
}

// --- what nobody reports ---

// The job that its worker is at: of those in hand the oldest.
void Core::Impl::end_hung_jobs() {
  std::vector<std::pair<LeaseId, std::string>> hung;
  for (const auto& [id, live] : fleet_.live()) {
    // What it is at began no sooner than it ended the one before.
    if (now_ - live.freed_at < kHangMin) continue;
    if (!live.link || live.leases.empty()) continue;
    const auto run = runs_.find(live.leases.begin()->first);
    if (run == runs_.end() || live.missing.contains(run->first)) continue;
    if (const auto why = find_hang(run->second, live)) hung.emplace_back(run->first, *why);
  }
  for (const auto& [lease, why] : hung) {
    const auto run = runs_.find(lease);
    if (run == runs_.end()) continue;
    LiveWorker& live = *fleet_.find(run->second.worker);
    send(SendCancel{live.link, lease});
    if (is_twin(lease)) {
      end_twin(run->second.job, why, false);
      continue;
    }
    fail_attempt(live, get_job(run->second.job), FailureClass::retryable, why);
  }
}

std::optional<std::string> Core::Impl::find_hang(const Run& run, const LiveWorker& live) const {
  const Instant began = std::max(run.leased_at, live.freed_at);
  const Duration still = now_ - std::max(run.stepped_at, began);
  if (still >= (run.cold && run.step == 0 ? kColdStallMax : kStallMax)) {
    return "no progress for " + in_seconds(still) + ", so it was taken from the worker";
  }
  const auto like = durations_.find(run.kind, run.device);
  if (run.cold || !like || like->count < kMeasuredEnough) return std::nullopt;
  const Duration longest{like->slowest.us * kFarLonger + kFarLongerAtLeast.us};
  if (now_ - began < longest) return std::nullopt;
  return "it ran for " + in_seconds(now_ - began) + " where jobs like it take " +
         in_seconds(like->mean) + ", so it was taken from the worker";
}

// A picture that came so soon was not rendered: since its lease began there was no time to.
bool Core::Impl::refuse_too_fast(LiveWorker& live, Job& job, const LeaseFinished& event) {
  const auto run = runs_.find(event.lease);
  if (too_fast_.contains(event.lease)) {
    send(SendAcknowledged{event.link, event.lease, event.job, true});  // the same once more
    return true;
  }
  if (run == runs_.end() || !run->second.seen_whole || job.lease != event.lease) return false;
  const auto like = durations_.find(run->second.kind, run->second.device);
  if (!like || like->count < kMeasuredEnough || like->fastest < kTooShortToTell) return false;
  const Duration took = now_ - run->second.leased_at;
  if (took * kFarFaster >= like->fastest) return false;
  too_fast_.insert(event.lease);
  send(SendAcknowledged{event.link, event.lease, event.job, true});
  fail_attempt(live, job, FailureClass::retryable,
               "its picture came after " + in_seconds(took) + " where the fastest like it took " +
                   in_seconds(like->fastest) + ": that was not rendered");
  return true;
}

}  // namespace pirouette::core
