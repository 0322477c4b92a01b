// What people ask for: a batch rendered, a worker drained. changes.cpp has what they ask of batches
// that are there already.

#include <algorithm>

#include "coordinator/core/impl.h"
#include "coordinator/core/ledger.h"

namespace pirouette::core {
namespace {

// Submissions that are known again by their key. A client that did not hear the answer asks within
// minutes; ten thousand batches are weeks.
constexpr std::size_t kSubmissionsMax = 10'000;

template <typename Tag>
Id<Tag> take_next(Id<Tag>& counter) {
  return Id<Tag>{counter.value++};
}

std::string count(std::uint32_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string number(auto id) { return std::to_string(id.value); }

std::uint32_t count_poses(const SheetSpec& sheet, const Recipe& recipe) {
  return static_cast<std::uint32_t>(sheet.views.empty() ? recipe.views.size() : sheet.views.size());
}

}  // namespace

void Core::Impl::on(const BatchSubmitted& event) {
  const BatchSpec& spec = event.batch;
  if (!event.key.empty() && answer_again(event)) return;
  if (spec.sheets.empty() || spec.recipe.views.empty()) {
    return reply(event.request,
                 Error{Errc::invalid, "batch '" + spec.name +
                                          "' has nothing to render; name at least one sheet "
                                          "and one view"});
  }
  auto pinned = pin_loras(spec.recipe);
  if (!pinned.ok()) return reply(event.request, std::move(pinned).error());
  const BatchId id = take_next(state_.next.batch);
  Batch& batch = state_.batches[id];
  batch.id = id;
  batch.name = spec.name;
  batch.owner = spec.owner;
  batch.priority = spec.priority;
  batch.deadline = spec.deadline;
  batch.idle_only = spec.idle_only;
  batch.recipe = std::move(pinned).value();
  batch.submitted_at = now_;
  batch.sheets = batch.sheets_open = static_cast<std::uint32_t>(spec.sheets.size());
  for (const SheetSpec& sheet : spec.sheets) batch.jobs += count_poses(sheet, spec.recipe);
  batch.submission_key = event.key;
  batch.submission = event.digest;
  // Tens of thousands of rows: a vector that grows would move each of them twice.
  out_.writes.reserve(out_.writes.size() + spec.sheets.size() + 2 * std::size_t{batch.jobs} + 2);
  put(batch);
  remember_submission(batch);

  first_sheets_[id] = state_.next.sheet;
  std::uint32_t index = 0;
  for (const SheetSpec& sheet : spec.sheets) add_sheet(batch, sheet, index++);

  look_at_ = now_;
  note(ledger::kBatchSubmitted, batch,
       count(batch.sheets, "sheet") + ", " + count(batch.jobs, "job"));
  reply(event.request, Submitted{id, batch.sheets, batch.jobs});
}

// The submission was taken before, and only the answer to it was lost.
bool Core::Impl::answer_again(const BatchSubmitted& event) {
  const auto known = state_.submissions.find(event.key);
  if (known == state_.submissions.end()) return false;
  const Submission& made = known->second;
  if (made.digest == event.digest) {
    reply(event.request, Submitted{made.batch, made.sheets, made.jobs, true});
  } else {
    reply(event.request,
          Error{Errc::conflict, "the idempotency key \"" + event.key + "\" was used for batch " +
                                    number(made.batch) +
                                    " with another content; take a new key for a new batch"});
  }
  return true;
}

void Core::Impl::remember_submission(const Batch& batch) {
  if (batch.submission_key.empty()) return;
  state_.submissions[batch.submission_key] = {batch.id, batch.submission, batch.sheets, batch.jobs};
  submission_order_.push_back(batch.submission_key);
  if (submission_order_.size() <= kSubmissionsMax) return;
  state_.submissions.erase(submission_order_.front());
  submission_order_.pop_front();
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
  sheet.original = spec.original;
  sheet.seed = spec.seed;
  sheet.priority = spec.priority;
  sheet.first_pose = state_.next.pose;
  sheet.poses = count_poses(spec, *batch.recipe);
  const auto is_proof = [&](std::uint32_t view) { return views[view].id == batch.recipe->proof; };
  const bool has_proof =
      spec.views.empty() ? !batch.recipe->proof.empty() : std::ranges::any_of(spec.views, is_proof);
  if (has_proof && sheet.poses > 1) sheet.proof = Proof::waiting;
  put(sheet);
  OpenSheet& open = open_sheets_.emplace_hint(open_sheets_.end(), id, OpenSheet{})->second;
  open.jobs_open = sheet.poses;
  open.jobs.reserve(sheet.poses);

  for (std::uint32_t i = 0; i < sheet.poses; ++i) {
    Pose pose;
    pose.id = take_next(state_.next.pose);
    pose.sheet = id;
    pose.view = spec.views.empty() ? i : spec.views[i];
    pose.latest = take_next(state_.next.job);
    put(pose);
    state_.poses.emplace_hint(state_.poses.end(), pose.id, pose);

    Job job;
    job.id = pose.latest;
    job.pose = pose.id;
    job.sheet = id;
    job.batch = batch.id;
    job.seed = make_seed(sheet.character, sheet.seed, views.at(pose.view).id, job.take);
    enqueue_or_hold(batch, sheet, job);
    put(job);

    open.jobs.push_back(job.id);
    state_.jobs.emplace_hint(state_.jobs.end(), job.id, std::move(job));
  }
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
  LiveWorker& live = fleet_.add(worker);
  reckon(live);
  queue_.stir();
  if (live.link) send(SendDrain{live.link});
}

void Core::Impl::reply(RequestId request, ReplyText answer) {
  out_.replies.push_back({request, std::move(answer)});
}

}  // namespace pirouette::core
