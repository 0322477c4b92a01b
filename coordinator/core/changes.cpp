// What people change about work that is there: another take, a review, a pause, a priority, an end.
//
// A settled batch is not in memory. A change to it asks for its rows (Recall), and is made once
// they come; at the end of that step the batch is dropped again if it is settled still.

#include "coordinator/core/impl.h"
#include "coordinator/core/ledger.h"

namespace pirouette::core {
namespace {

// A pose that is wrong after this many takes needs another recipe, not another seed.
constexpr std::uint32_t kTakesMax = 100;

std::string number(auto id) { return std::to_string(id.value); }

// "by ada: the left hand is missing"
std::string say(const std::string& by, const std::string& what) {
  if (by.empty()) return what;
  return "by " + by + (what.empty() ? "" : ": " + what);
}

Error there_is_no(const std::string& what, auto id) {
  return {Errc::not_found, "there is no " + what + " " + number(id)};
}

// The one thing that a change is about.
struct Subject {
  BatchId batch;
  SheetId sheet;
  PoseId pose;
};

Subject subject_of(const RerollPose& change) { return {{}, {}, change.pose}; }
Subject subject_of(const ReviewPose& change) { return {{}, {}, change.pose}; }
Subject subject_of(const ChooseTake& change) { return {{}, {}, change.pose}; }
Subject subject_of(const ReviewSheet& change) { return {{}, change.sheet, {}}; }
Subject subject_of(const CancelSheet& change) { return {{}, change.sheet, {}}; }
Subject subject_of(const CancelBatch& change) { return {change.batch, {}, {}}; }
Subject subject_of(const PauseBatch& change) { return {change.batch, {}, {}}; }
Subject subject_of(const SetPriority& change) { return {change.batch, {}, {}}; }

bool is_in(const State& state, const Subject& subject) {
  return state.batches.contains(subject.batch) || state.sheets.contains(subject.sheet) ||
         state.poses.contains(subject.pose);
}

// What was never given out is nowhere. none: it may be in the database.
std::optional<Error> find_none(const Counters& next, const Subject& subject) {
  if (subject.pose && !(subject.pose < next.pose)) return there_is_no("pose", subject.pose);
  if (subject.sheet && !(subject.sheet < next.sheet)) return there_is_no("sheet", subject.sheet);
  if (subject.batch && !(subject.batch < next.batch)) return there_is_no("batch", subject.batch);
  if (!subject.pose && !subject.sheet && !subject.batch) return there_is_no("such", BatchId{});
  return std::nullopt;
}

}  // namespace

void Core::Impl::on(const ChangeRequested& event) {
  const Subject subject =
      std::visit([](const auto& change) { return subject_of(change); }, event.change);
  if (const auto none = find_none(state_.next, subject)) return reply(event.request, *none);
  if (!is_in(state_, subject)) {
    out_.recalls.push_back({subject.batch, subject.sheet, subject.pose, event});
    return;
  }
  reply(event.request,
        std::visit([&](const auto& change) { return make(change, event.by); }, event.change));
}

void Core::Impl::on(const BatchRecalled& event) {
  if (!event.rows.ok()) return reply(event.then.request, event.rows.error());
  const Subject subject =
      std::visit([](const auto& change) { return subject_of(change); }, event.then.change);
  if (!is_in(state_, subject)) adopt(event.rows.value());
  PIROUETTE_CHECK(is_in(state_, subject));
  on(event.then);
}

void Core::Impl::adopt(const State& rows) {
  for (const auto& [id, batch] : rows.batches) {
    PIROUETTE_CHECK(!state_.batches.contains(id));
    touched_.insert(id);
  }
  state_.batches.insert(rows.batches.begin(), rows.batches.end());
  state_.sheets.insert(rows.sheets.begin(), rows.sheets.end());
  state_.poses.insert(rows.poses.begin(), rows.poses.end());
  state_.jobs.insert(rows.jobs.begin(), rows.jobs.end());
  state_.leases.insert(rows.leases.begin(), rows.leases.end());
  for (const auto& [id, sheet] : rows.sheets) derive(sheet);
  for (const auto& [id, job] : rows.jobs) derive(job);
}

// --- takes ---

ReplyText Core::Impl::make(const RerollPose& change, const std::string& by) {
  Pose& pose = get_pose(change.pose);
  Sheet& sheet = get_sheet(pose.sheet);
  if (sheet.state == SheetState::cancelled ||
      get_batch(sheet.batch).state == BatchState::cancelled) {
    return Error{Errc::conflict, "pose " + number(pose.id) + " belongs to a cancelled sheet of \"" +
                                     sheet.character + "\"; submit the character again"};
  }
  if (get_job(pose.latest).take >= kTakesMax) {
    return Error{Errc::conflict, "pose " + number(pose.id) + " has " + std::to_string(kTakesMax) +
                                     " takes, and that is the most; change the recipe or the "
                                     "reference and submit the character again"};
  }
  const Job& job = add_take(pose, change);
  note(ledger::kPoseRerolled, job, {}, {},
       say(by, "take " + std::to_string(job.take) + ", seed " + std::to_string(job.seed) +
                   (job.correction.empty() ? "" : ", " + job.correction)));
  ++open_sheets_.at(sheet.id).jobs_open;
  reopen(sheet);
  return Rerolled{job.id, job.take};
}

Job& Core::Impl::add_take(Pose& pose, const RerollPose& change) {
  const Job& before = get_job(pose.latest);
  const Sheet& sheet = get_sheet(pose.sheet);
  Batch& batch = get_batch(sheet.batch);
  Job job;
  job.id = JobId{state_.next.job.value++};
  job.pose = pose.id;
  job.sheet = sheet.id;
  job.batch = batch.id;
  job.take = before.take + 1;
  job.seed = change.seed ? *change.seed
                         : make_seed(sheet.character, sheet.seed,
                                     batch.recipe->views.at(pose.view).id, job.take);
  job.correction = change.correction.value_or(before.correction);
  enqueue_or_hold(batch, sheet, job);
  put(job);
  pose.latest = job.id;
  put(pose);
  ++batch.jobs;
  put(batch);
  open_sheets_.at(sheet.id).jobs.push_back(job.id);
  return state_.jobs.emplace(job.id, std::move(job)).first->second;
}

ReplyText Core::Impl::make(const ChooseTake& change, const std::string& by) {
  Pose& pose = get_pose(change.pose);
  const std::string which = "take " + std::to_string(change.take);
  const Job* wanted = nullptr;
  for (const JobId id : open_sheets_.at(pose.sheet).jobs) {
    const Job& job = get_job(id);
    if (job.pose == pose.id && job.take == change.take) wanted = &job;
  }
  if (!wanted) {
    return Error{Errc::not_found, "pose " + number(pose.id) + " has no " + which + "; it has " +
                                      std::to_string(get_job(pose.latest).take)};
  }
  if (wanted->state != JobState::done) {
    return Error{Errc::conflict, which + " of pose " + number(pose.id) + " is " +
                                     std::string(name(wanted->state)) +
                                     " and has no picture to show"};
  }
  if (pose.chosen == wanted->id) return Accepted{};
  show(pose, wanted->id);
  note(ledger::kPoseChosen, pose, say(by, which));
  reopen(get_sheet(pose.sheet));
  return Accepted{};
}

// --- reviews ---

ReplyText Core::Impl::make(const ReviewPose& change, const std::string& by) {
  Pose& pose = get_pose(change.pose);
  if (!pose.chosen) {
    return Error{Errc::conflict,
                 "pose " + number(pose.id) + " has no picture yet, so there is nothing to review"};
  }
  review(pose, change.review, change.note);
  note(ledger::kPoseReviewed, pose,
       say(by, std::string(name(change.review)) + (change.note.empty() ? "" : ", " + change.note)));
  Sheet& sheet = get_sheet(pose.sheet);
  judge_again(sheet);
  if (change.review == Review::approved && find_proof(sheet) == &pose) {
    pass_proof(sheet, say(by, "approved"));
  }
  return Accepted{};
}

ReplyText Core::Impl::make(const ReviewSheet& change, const std::string& by) {
  Sheet& sheet = get_sheet(change.sheet);
  const std::string which = "sheet " + number(sheet.id) + " of \"" + sheet.character + "\"";
  if (sheet.state == SheetState::rendering || sheet.state == SheetState::cancelled) {
    return Error{Errc::conflict, which + " is " + std::string(name(sheet.state)) +
                                     "; only a sheet that is put together can be reviewed"};
  }
  if (change.review == Review::approved && judge(sheet) == SheetState::incomplete) {
    return Error{Errc::conflict, which +
                                     " has a pose without a picture; reroll that first, or "
                                     "approve its poses one by one"};
  }
  for (std::uint32_t i = 0; i < sheet.poses; ++i) {
    Pose& pose = get_pose(PoseId{sheet.first_pose.value + i});
    if (pose.chosen) review(pose, change.review, change.note);
  }
  note(ledger::kPoseReviewed, sheet,
       say(by, "all poses " + std::string(name(change.review)) +
                   (change.note.empty() ? "" : ", " + change.note)));
  judge_again(sheet);
  return Accepted{};
}

void Core::Impl::review(Pose& pose, Review review, const std::string& note) {
  pose.review = review;
  pose.review_note = note;
  put(pose);
}

// A sheet that is put together is approved with the last of its poses, and not any more without it.
void Core::Impl::judge_again(Sheet& sheet) {
  if (sheet.state == SheetState::rendering || sheet.state == SheetState::cancelled) return;
  const SheetState now = judge(sheet);
  if (now == sheet.state) return;
  sheet.state = now;
  put(sheet);
  note(now == SheetState::approved ? ledger::kSheetApproved : ledger::kSheetReady, sheet,
       now == SheetState::approved ? "" : "not approved any more");
}

// --- batches ---

ReplyText Core::Impl::make(const PauseBatch& change, const std::string& by) {
  Batch& batch = get_batch(change.batch);
  if (batch.state != BatchState::running) {
    return Error{Errc::conflict, "batch " + number(batch.id) + " is " +
                                     std::string(name(batch.state)) +
                                     "; only a running one can be paused or resumed"};
  }
  if (batch.paused == change.paused) return Accepted{};
  look_at_ = now_;
  batch.paused = change.paused;
  put(batch);
  queue_.set_paused(batch);
  note(change.paused ? ledger::kBatchPaused : ledger::kBatchResumed, batch, say(by, ""));
  return Accepted{};
}

ReplyText Core::Impl::make(const SetPriority& change, const std::string& by) {
  Batch& batch = get_batch(change.batch);
  if (batch.state != BatchState::running) {
    return Error{Errc::conflict, "batch " + number(batch.id) + " is " +
                                     std::string(name(batch.state)) +
                                     "; nothing of it waits any more"};
  }
  if (batch.priority == change.priority) return Accepted{};
  look_at_ = now_;
  const int before = batch.priority;
  batch.priority = change.priority;
  put(batch);
  const SheetId first = first_sheets_.at(batch.id);
  for (std::uint32_t i = 0; i < batch.sheets; ++i) {
    const Sheet& sheet = get_sheet(SheetId{first.value + i});
    const OwnerId owner = shares_.owner(batch.owner);
    queue_.move(batch, sheet, before, {owner, false});
    queue_.move(batch, sheet, before, {owner, true});
  }
  note(ledger::kBatchPriority, batch,
       say(by, std::to_string(before) + " to " + std::to_string(batch.priority)));
  return Accepted{};
}

// --- ends ---

ReplyText Core::Impl::make(const CancelSheet& change, const std::string& by) {
  Sheet& sheet = get_sheet(change.sheet);
  if (sheet.state != SheetState::rendering) {
    return Error{Errc::conflict, "sheet " + number(sheet.id) + " of \"" + sheet.character +
                                     "\" is " + std::string(name(sheet.state)) +
                                     " already; there is nothing left to cancel"};
  }
  cancel_jobs(sheet, "its sheet was cancelled");
  end_cancelled(sheet, say(by, ""));
  return Accepted{};
}

ReplyText Core::Impl::make(const CancelBatch& change, const std::string& by) {
  Batch& batch = get_batch(change.batch);
  if (batch.state != BatchState::running) {
    return Error{Errc::conflict,
                 "batch " + number(batch.id) + " is over already; there is nothing left to cancel"};
  }
  batch.state = BatchState::cancelled;
  batch.paused = false;
  batch.finished_at = now_;
  const SheetId first = first_sheets_.at(batch.id);
  for (std::uint32_t i = 0; i < batch.sheets; ++i) {
    Sheet& sheet = get_sheet(SheetId{first.value + i});
    cancel_jobs(sheet, "its batch was cancelled");
    if (sheet.state == SheetState::rendering) end_cancelled(sheet, "");
  }
  put(batch);
  note(ledger::kBatchCancelled, batch,
       say(by, std::to_string(batch.jobs_done) + " of " + std::to_string(batch.jobs) +
                   " jobs were done"));
  touched_.insert(batch.id);
  return Accepted{};
}

// One that was put together before shows that again, with what came since.
void Core::Impl::end_cancelled(Sheet& sheet, const std::string& detail) {
  if (sheet.version > 0) {
    assemble_now_.insert(sheet.id);
    return;
  }
  settle(sheet, SheetState::cancelled, ledger::kSheetCancelled, detail);
}

void Core::Impl::cancel_jobs(const Sheet& sheet, const std::string& why) {
  Batch& batch = get_batch(sheet.batch);
  const std::uint32_t before = batch.jobs_cancelled;
  for (const JobId id : open_sheets_.at(sheet.id).jobs) cancel_job(get_job(id), why);
  if (batch.jobs_cancelled != before) put(batch);
}

void Core::Impl::cancel_job(Job& job, const std::string& why) {
  const bool leased = job.state == JobState::leased;
  if (!leased && job.state != JobState::queued && job.state != JobState::held) return;
  if (job.state == JobState::queued) {
    dequeue(get_batch(job.batch), get_sheet(job.sheet), job);
  }
  if (leased) {
    note(ledger::kJobCancelled, job, job.lease, job.worker, why);
    if (const LiveWorker* live = fleet_.find(job.worker); live && live->link) {
      send(SendCancel{live->link, job.lease});
    }
    end_twin(job.id, "", true);
    end_lease(job);
  }
  job.state = JobState::cancelled;
  job.ended_at = now_;
  avoidance_.forget(job.id);
  put(job);
  ++get_batch(job.batch).jobs_cancelled;
  --open_sheets_.at(job.sheet).jobs_open;
}

}  // namespace pirouette::core
