#include "coordinator/core/core.h"

#include <utility>

#include "coordinator/core/impl.h"

namespace pirouette::core {

Core::Core(State state, Policy policy, Instant now)
    : impl_(std::make_unique<Impl>(std::move(state), policy, now)) {}
Core::~Core() = default;
Core::Core(Core&&) noexcept = default;

Effects Core::step(const Event& event, Instant now) {
  Effects effects;
  step(event, now, effects);
  return effects;
}
void Core::step(const Event& event, Instant now, Effects& round) { impl_->step(event, now, round); }
const State& Core::state() const { return impl_->state(); }
std::vector<std::string> Core::find_broken_invariants() const {
  return impl_->find_broken_invariants();
}

Core::Impl::Impl(State state, Policy policy, Instant now)
    : policy_(policy),
      state_(std::move(state)),
      shares_(policy.shares, policy.share_half_life, now),
      ticked_at_(now),
      now_(now) {
  rebuild();
}

void Core::Impl::step(const Event& event, Instant now, Effects& round) {
  // A clock that is set back would make every silence and rest longer: time goes on from where it
  // was.
  if (now + set_back_ < now_) set_back_ = now_ - now;
  now_ = now + set_back_;
  std::swap(out_, round);
  std::visit([this](const auto& happened) { on(happened); }, event);
  assemble_due_sheets();
  for (const BatchId batch : std::exchange(touched_, {})) drop_if_settled(batch);
  fill_workers();
  std::swap(out_, round);
}

// A start: whoever was connected, or holds a lease, gets a whole lease length to say Hello; sheets
// whose pictures are all there, or never will be, are put together with the first step.
void Core::Impl::rebuild() {
  recall_use();
  recall_durations();
  for (auto& [id, worker] : state_.workers) {
    worker_by_name_[worker.name] = id;
    if (worker.state != WorkerState::online && worker.state != WorkerState::draining) continue;
    worker.heard_at = now_;
    LiveWorker& live = fleet_.add(worker);
    live.heard_written = now_;
    live.device_class = class_of(worker);
  }
  for (const auto& [id, sheet] : state_.sheets) derive(sheet);
  for (const auto& [id, job] : state_.jobs) derive(job);
  for (const auto& [id, sheet] : state_.sheets) {
    if (sheet.state != SheetState::rendering) continue;
    if (open_sheets_[id].jobs_open == 0 || sheet.proof == Proof::waiting) {
      assemble_now_.insert(id);
    }
  }
  std::map<BatchId, std::string> keys;
  for (const auto& [key, submission] : state_.submissions) keys[submission.batch] = key;
  for (auto& [batch, key] : keys) submission_order_.push_back(std::move(key));
}

void Core::Impl::derive(const Sheet& sheet) {
  first_sheets_.try_emplace(sheet.batch, sheet.id);
  open_sheets_[sheet.id].version_asked = sheet.version;
}

void Core::Impl::derive(const Job& job) {
  OpenSheet& sheet = open_sheets_[job.sheet];
  sheet.jobs.push_back(job.id);
  const Batch& batch = get_batch(job.batch);
  if (job.worker && sheet.device_class == 0) sheet.device_class = class_of(get_worker(job.worker));
  if (job.state == JobState::queued) enqueue(batch, get_sheet(job.sheet), job);
  if (job.state == JobState::leased) {
    Worker& worker = get_worker(job.worker);
    worker.heard_at = now_;
    LiveWorker& live = fleet_.add(worker);
    live.device_class = class_of(worker);
    fleet_.open(live, job.lease, job.id);
    begin_run(live, job, job.lease, /*cold=*/true);
  }
  if (job.state == JobState::held || job.state == JobState::queued ||
      job.state == JobState::leased) {
    ++sheet.jobs_open;
  }
}

Batch& Core::Impl::get_batch(BatchId id) {
  const auto found = state_.batches.find(id);
  PIROUETTE_CHECK(found != state_.batches.end());
  return found->second;
}

Sheet& Core::Impl::get_sheet(SheetId id) {
  const auto found = state_.sheets.find(id);
  PIROUETTE_CHECK(found != state_.sheets.end());
  return found->second;
}

Job& Core::Impl::get_job(JobId id) {
  const auto found = state_.jobs.find(id);
  PIROUETTE_CHECK(found != state_.jobs.end());
  return found->second;
}

Pose& Core::Impl::get_pose(PoseId id) {
  const auto found = state_.poses.find(id);
  PIROUETTE_CHECK(found != state_.poses.end());
  return found->second;
}

Worker& Core::Impl::get_worker(WorkerId id) {
  const auto found = state_.workers.find(id);
  PIROUETTE_CHECK(found != state_.workers.end());
  return found->second;
}

void Core::Impl::put(const Worker& row) {
  if (LiveWorker* live = fleet_.find(row.id)) {
    live->row_changed = false;
    live->heard_written = row.heard_at;
  }
  out_.writes.push_back(PutWorker{row});
}

void Core::Impl::note(std::string_view kind, const Batch& batch, std::string detail) {
  LedgerRow row;
  row.kind = kind;
  row.batch = batch.id;
  row.detail = std::move(detail);
  append(std::move(row));
}

void Core::Impl::note(std::string_view kind, const Sheet& sheet, std::string detail) {
  LedgerRow row;
  row.kind = kind;
  row.batch = sheet.batch;
  row.sheet = sheet.id;
  row.detail = std::move(detail);
  append(std::move(row));
}

void Core::Impl::note(std::string_view kind, const Pose& pose, std::string detail) {
  LedgerRow row;
  row.kind = kind;
  row.batch = get_sheet(pose.sheet).batch;
  row.sheet = pose.sheet;
  row.pose = pose.id;
  row.detail = std::move(detail);
  append(std::move(row));
}

void Core::Impl::note(std::string_view kind, const Job& job, LeaseId lease, WorkerId worker,
                      std::string detail) {
  LedgerRow row;
  row.kind = kind;
  row.batch = job.batch;
  row.sheet = job.sheet;
  row.pose = job.pose;
  row.job = job.id;
  row.lease = lease;
  row.worker = worker;
  row.detail = std::move(detail);
  append(std::move(row));
}

void Core::Impl::note(std::string_view kind, const Worker& worker, std::string detail) {
  LedgerRow row;
  row.kind = kind;
  row.worker = worker.id;
  row.detail = std::move(detail);
  append(std::move(row));
}

void Core::Impl::append(LedgerRow row) {
  row.id = state_.next.event;
  row.at = now_;
  ++state_.next.event.value;
  out_.writes.push_back(AppendEvent{std::move(row)});
}

}  // namespace pirouette::core
