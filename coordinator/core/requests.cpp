// What people ask for: a batch rendered, a batch cancelled, a worker drained.

#include "coordinator/core/impl.h"
#include "coordinator/core/ledger.h"

namespace pirouette::core {
namespace {

template <typename Tag>
Id<Tag> take_next(Id<Tag>& counter) {
  return Id<Tag>{counter.value++};
}

std::string count(std::uint32_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string number(auto id) { return std::to_string(id.value); }

}  // namespace

void Core::Impl::on(const BatchSubmitted& event) {
  const BatchSpec& spec = event.batch;
  if (spec.sheets.empty() || spec.recipe.views.empty()) {
    return reply(event.request,
                 Error{Errc::invalid, "batch '" + spec.name +
                                          "' has nothing to render; name at least one sheet "
                                          "and one view"});
  }
  const BatchId id = take_next(state_.next.batch);
  Batch& batch = state_.batches[id];
  batch.id = id;
  batch.name = spec.name;
  batch.owner = spec.owner;
  batch.priority = spec.priority;
  batch.deadline = spec.deadline;
  batch.recipe = std::make_shared<const Recipe>(spec.recipe);
  batch.submitted_at = now_;
  batch.sheets = batch.sheets_open = static_cast<std::uint32_t>(spec.sheets.size());
  batch.jobs = batch.sheets * static_cast<std::uint32_t>(spec.recipe.views.size());
  put(batch);

  OpenBatch& open = open_batches_[id];
  open.first_sheet = state_.next.sheet;
  open.jobs.reserve(batch.jobs);
  std::uint32_t index = 0;
  for (const SheetSpec& sheet : spec.sheets) add_sheet(batch, sheet, index++);

  note(ledger::kBatchSubmitted, batch,
       count(batch.sheets, "sheet") + ", " + count(batch.jobs, "job"));
  reply(event.request, Submitted{id, batch.sheets, batch.jobs});
}

void Core::Impl::add_sheet(Batch& batch, const SheetSpec& spec, std::uint32_t index) {
  const std::vector<View>& views = batch.recipe->views;
  const SheetId id = take_next(state_.next.sheet);
  Sheet& sheet = state_.sheets.emplace_hint(state_.sheets.end(), id, Sheet{})->second;
  sheet.id = id;
  sheet.batch = batch.id;
  sheet.index = index;
  sheet.character = spec.character;
  sheet.notes = spec.notes;
  sheet.reference = spec.reference;
  sheet.seed = spec.seed;
  sheet.first_pose = state_.next.pose;
  sheet.poses = static_cast<std::uint32_t>(views.size());
  put(sheet);
  open_sheets_.emplace_hint(open_sheets_.end(), id, OpenSheet{sheet.poses, 0, 0});

  OpenBatch& open = open_batches_[batch.id];
  for (std::uint32_t view = 0; view < sheet.poses; ++view) {
    Pose pose;
    pose.id = take_next(state_.next.pose);
    pose.sheet = id;
    pose.view = view;
    pose.latest = take_next(state_.next.job);
    put(pose);

    Job job;
    job.id = pose.latest;
    job.pose = pose.id;
    job.sheet = id;
    job.batch = batch.id;
    job.seed = make_seed(sheet.character, sheet.seed, views[view].id, job.take);
    job.queued_at = now_;
    put(job);

    queue_.add(batch, sheet, job);
    open.jobs.push_back(job.id);
    state_.poses.emplace_hint(state_.poses.end(), pose.id, pose);
    state_.jobs.emplace_hint(state_.jobs.end(), job.id, std::move(job));
  }
}

void Core::Impl::on(const BatchCancelRequested& event) {
  const auto found = state_.batches.find(event.batch);
  if (found == state_.batches.end() && !(event.batch < state_.next.batch && event.batch)) {
    return reply(event.request, Error{Errc::not_found, "there is no batch " + number(event.batch)});
  }
  if (found == state_.batches.end() || found->second.state != BatchState::running) {
    return reply(event.request, Error{Errc::conflict, "batch " + number(event.batch) +
                                                          " is over already; there is nothing "
                                                          "left to cancel"});
  }
  Batch& batch = found->second;
  const OpenBatch& open = open_batches_[batch.id];
  for (JobId job : open.jobs) cancel_job(get_job(job));
  for (std::uint32_t i = 0; i < batch.sheets; ++i) {
    Sheet& sheet = get_sheet(SheetId{open.first_sheet.value + i});
    if (sheet.state != SheetState::rendering) continue;
    sheet.state = SheetState::cancelled;
    put(sheet);
    note(ledger::kSheetCancelled, sheet, "");
  }
  batch.state = BatchState::cancelled;
  batch.sheets_open = 0;
  batch.finished_at = now_;
  put(batch);
  note(ledger::kBatchCancelled, batch,
       std::to_string(batch.jobs_done) + " of " + std::to_string(batch.jobs) + " jobs were done");
  reply(event.request, Accepted{});
  drop_if_settled(batch.id);
}

void Core::Impl::cancel_job(Job& job) {
  const bool leased = job.state == JobState::leased;
  if (job.state == JobState::queued) queue_.remove(get_batch(job.batch), job);
  if (leased) {
    note(ledger::kJobCancelled, job, job.lease, job.worker, "its batch was cancelled");
    if (const LiveWorker* live = fleet_.find(job.worker); live && live->link) {
      send(SendCancel{live->link, job.lease});
    }
    end_lease(job);
  }
  if (!leased && job.state != JobState::queued && job.state != JobState::held) return;
  job.state = JobState::cancelled;
  job.ended_at = now_;
  avoidance_.forget(job.id);
  put(job);
}

void Core::Impl::on(const WorkerDrainRequested& event) {
  const auto found = state_.workers.find(event.worker);
  if (found == state_.workers.end()) {
    return reply(event.request,
                 Error{Errc::not_found, "there is no worker " + number(event.worker)});
  }
  Worker& worker = found->second;
  if (worker.state == WorkerState::lost || worker.state == WorkerState::gone) {
    return reply(event.request, Error{Errc::conflict, "worker '" + worker.name + "' is " +
                                                          std::string(name(worker.state)) +
                                                          ", so it takes no jobs anyway"});
  }
  reply(event.request, Accepted{});
  if (worker.state == WorkerState::draining) return;
  worker.state = WorkerState::draining;
  put(worker);
  note(ledger::kWorkerDraining, worker, "");
  LiveWorker& live = fleet_.add(worker.id);
  reckon(live);
  queue_.stir();
  if (live.link) send(SendDrain{live.link});
}

void Core::Impl::reply(RequestId request, std::variant<Submitted, Accepted, Error> answer) {
  out_.replies.push_back({request, std::move(answer)});
}

}  // namespace pirouette::core
