// A job's way through the workers: leased, refused, failed, lost, finished.
//
// Two laws live here. The first complete result of a job counts, from whoever ever held a lease of
// it, whenever it comes; later ones are acknowledged as duplicates. A failure counts only under the
// current lease. What another farm leased is none of our business: its pictures are neither taken
// nor acknowledged, so that their worker keeps them for it.

#include "coordinator/core/impl.h"
#include "coordinator/core/ledger.h"

namespace pirouette::core {

// --- a lease begins ---

// The least loaded workers first, so that nobody is given a job in reserve while another worker
// that could render it has nothing to do.
void Core::Impl::fill_workers() {
  if (searched_revision_ != queue_.revision()) {
    searched_revision_ = queue_.revision();
    fleet_.readmit();
  }
  while (!queue_.empty() && !fleet_.hungry().empty() && may_dispatch()) {
    LiveWorker& live = *fleet_.find(fleet_.hungry().begin()->worker);
    const std::optional<Choice> choice = choose_for(live);
    if (choice) {
      lease(find_better_prepared(live, choice->job), *choice);
    } else {
      fleet_.set_aside(live);
    }
  }
}

// The worker itself, or one of the next with as little to do that has the job's model in memory.
LiveWorker& Core::Impl::find_better_prepared(LiveWorker& live, JobId id) {
  const Recipe& recipe = *get_batch(get_job(id).batch).recipe;
  if (live.residency.has_weights(recipe)) return live;
  std::uint32_t left = policy_.look_ahead;
  for (const auto& [load, slowness, other_id] : fleet_.hungry()) {
    if (load > live.load() || left-- == 0) break;
    LiveWorker& other = *fleet_.find(other_id);
    const Worker& row = *other.row;
    if (load == live.load() && other.residency.has_weights(recipe) && can_render(row, recipe) &&
        may_take(id, row)) {
      return other;
    }
  }
  return live;
}

std::optional<Choice> Core::Impl::choose_for(const LiveWorker& live) const {
  const Worker& worker = *live.row;
  const Applicant applicant{worker, live.residency, live.device_class, live.load() == 0};
  return choose(queue_, applicant, policy_, [&](JobId job) { return may_take(job, worker); });
}

bool Core::Impl::may_take(JobId id, const Worker& worker) const {
  if (!avoidance_.any(id) || !avoidance_.avoids(id, worker.id)) return true;
  if (avoidance_.forbids(id, worker.id, ticked_at_)) return false;
  // The last resort: nobody else is there who could and has not tried.
  const Recipe& recipe = *state_.batches.at(state_.jobs.at(id).batch).recipe;
  for (const auto& [other_id, live] : fleet_.live()) {
    const Worker& other = *live.row;
    if (live.link && other.state == WorkerState::online && other.capacity > 0 &&
        live.rests_until <= ticked_at_ && other.quarantine.empty() && can_render(other, recipe) &&
        !avoidance_.avoids(id, other_id)) {
      return false;
    }
  }
  return true;
}

void Core::Impl::lease(LiveWorker& live, const Choice& choice) {
  Job& job = get_job(choice.job);
  const Batch& batch = get_batch(job.batch);
  const Sheet& sheet = get_sheet(job.sheet);
  if (choice.overtaken) {
    const Job& overtaken = get_job(choice.overtaken);
    const Batch& its = get_batch(overtaken.batch);
    queue_.count_overtaking(its, get_sheet(overtaken.sheet), overtaken, place_of(its, overtaken));
  }
  const Lease row{state_.next.lease, job.id, live.id, ++job.attempts, now_};
  ++state_.next.lease.value;
  put(row);
  state_.leases.emplace(job.id, row);
  begin_lease(live, job, row, "attempt " + std::to_string(job.attempts));
  runs_.at(row.id).seen_whole = true;
  if (!state_.farm_stopped.empty()) watch_.begin_trial(row.id, now_);

  const View& view = batch.recipe->views[state_.poses.at(job.pose).view];
  send(SendAssign{live.link, row.id, job.id, job.attempts,
                  make_render_spec(*batch.recipe, view, sheet.reference, sheet.notes,
                                   job.correction, job.seed)});
}

// A queued job is rendered, or rendered on, under a lease that is kept.
void Core::Impl::begin_lease(LiveWorker& live, Job& job, const Lease& lease,
                             const std::string& detail) {
  const Batch& batch = get_batch(job.batch);
  dequeue(batch, get_sheet(job.sheet), job);
  job.state = JobState::leased;
  job.lease = lease.id;
  job.worker = live.id;
  job.leased_at = lease.leased_at;
  put(job);
  note(ledger::kJobLeased, job, lease.id, live.id, detail);
  fleet_.open(live, lease.id, job.id);
  begin_run(live, job, lease.id, !live.residency.has_weights(*batch.recipe));
  live.residency.note(batch.recipe, get_sheet(job.sheet).reference);
  reckon(live);
}

// While nobody heard it, its lease was taken from it and the job queued again; nobody else has
// begun, so it goes on. Not if it was once told to drop it: that word may still be on its way.
bool Core::Impl::take_up_again(LiveWorker& live, const HeldLease& claim) {
  const Lease* lease = find_lease(claim.job, claim.lease);
  if (!lease || lease->worker != live.id || told_to_drop_.contains(claim.lease)) return false;
  Job& job = get_job(claim.job);
  if (job.state != JobState::queued) return false;
  begin_lease(live, job, *lease, "taken up again");
  return true;
}

// --- a lease ends without a picture ---

void Core::Impl::on(const LeaseRefused& event) {
  LiveWorker* live = listen(event.link);
  if (!live || end_probe(*live, event.lease)) return;
  const auto open = live->leases.find(event.lease);
  if (open == live->leases.end()) return;
  Job& job = get_job(open->second);
  avoidance_.note(job.id, live->id, now_ + policy_.lease);
  if (is_twin(event.lease)) {
    end_twin(job.id, "refused: " + event.why, false);
    return;
  }
  note_trouble(*live);
  requeue(job, "refused: " + event.why);
}

void Core::Impl::on(const LeaseProgressed& event) {
  LiveWorker* live = listen(event.link);
  if (!live) return;
  const auto found = runs_.find(event.lease);
  if (found == runs_.end() || found->second.worker != live->id) return;
  Run& run = found->second;
  if (event.step > run.step) {
    run.step = event.step;
    run.of = event.of;
    run.stepped_at = now_;
  }
  out_.progress.push_back(
      {run.batch, run.sheet, run.pose, run.job, live->id, event.step, event.of});
}

void Core::Impl::on(const LeaseFailed& event) {
  LiveWorker* live = listen(event.link);
  if (!live || end_probe(*live, event.lease)) return;
  const auto open = live->leases.find(event.lease);
  if (open == live->leases.end()) return;
  if (is_twin(event.lease)) {
    end_twin(open->second, event.message, false);
    return;
  }
  fail_attempt(*live, get_job(open->second), event.failure, event.message);
}

Duration Core::Impl::end_lease(Job& job) {
  PIROUETTE_CHECK(job.lease && job.worker);
  const WorkerId holder = job.worker;
  const Duration took = end_run(job.lease);
  fleet_.close(holder, job.lease);
  reckon(*fleet_.find(holder));
  job.lease = {};
  job.worker = {};
  return took;
}

void Core::Impl::requeue(Job& job, const std::string& why) {
  note(ledger::kJobRequeued, job, job.lease, job.worker, why);
  end_lease(job);
  if (promote_twin(job)) return;
  job.state = JobState::queued;
  job.queued_at = now_;
  job.leased_at.reset();
  put(job);
  enqueue(get_batch(job.batch), get_sheet(job.sheet), job);
}

void Core::Impl::lose_lease(LeaseId lease, const std::string& why) {
  Job& job = get_job(runs_.at(lease).job);
  if (is_twin(lease)) {
    end_twin(job.id, why, false);
    return;
  }
  ++job.losses;
  if (job.losses < policy_.losses_max) return requeue(job, why);
  job.error = "given up after " + std::to_string(job.losses) +
              " workers were lost while they had it; the last time " + why;
  fail_for_good(job, job.error);
}

void Core::Impl::fail_for_good(Job& job, const std::string& why) {
  if (twins_.contains(job.id)) return requeue(job, why);  // its twin may make it yet
  note(ledger::kJobFailed, job, job.lease, job.worker, why);
  Batch& batch = get_batch(job.batch);
  charge(batch, end_lease(job));
  job.state = JobState::failed;
  job.ended_at = now_;
  put(job);
  avoidance_.forget(job.id);
  ++batch.jobs_failed;
  put(batch);
  job_ended(job);
  const Sheet& sheet = get_sheet(job.sheet);
  if (sheet.proof == Proof::waiting && !waits_for_proof(job)) {
    say_unproven(sheet, "it failed: " + why);
  }
}

// --- a picture comes ---

void Core::Impl::on(const LeaseFinished& event) {
  // A picture counts whoever brings it; a superseded process is heard here, and here only.
  listen(event.link);
  if (judge_probe(event)) return;
  if (epoch_of(event.lease) != epoch_of(state_.next.lease)) return note_foreign(event);
  const auto found = state_.jobs.find(event.job);
  if (found == state_.jobs.end()) {
    return refuse_result(
        event, event.job < state_.next.job ? "the job was over already" : "there is no such job");
  }
  Job& job = found->second;
  if (job.state == JobState::done) return refuse_result(event, "it has its picture already");
  if (job.state == JobState::cancelled) return refuse_result(event, "the job was cancelled");
  const Lease* lease = find_lease(job.id, event.lease);
  if (!lease) return refuse_result(event, "this lease was never given for this job");
  if (LiveWorker* live = fleet_.find_by_link(event.link);
      live && refuse_too_fast(*live, job, event)) {
    return;
  }
  if (!event.result_stored) {
    send(SendResultWanted{event.link, event.lease, event.job, event.result});
    // It has the picture: the lease stays until it has sent it, however long that takes.
    LiveWorker* holder = fleet_.find(lease->worker);
    if (holder && holder->missing.contains(lease->id)) {
      holder->missing[lease->id] = now_ + policy_.lease;
    }
    return;
  }
  accept_result(job, *lease, event);
}

void Core::Impl::refuse_result(const LeaseFinished& event, const std::string& why) {
  LedgerRow row;
  row.kind = ledger::kJobDuplicate;
  row.job = event.job;
  row.lease = event.lease;
  if (const LiveWorker* live = fleet_.find_by_link(event.link)) row.worker = live->id;
  row.detail = why;
  append(std::move(row));
  send(SendAcknowledged{event.link, event.lease, event.job, true});
}

// Said once a worker, however many it keeps and however often it offers them. Its job number would
// name a job of ours.
void Core::Impl::note_foreign(const LeaseFinished& event) {
  const LiveWorker* live = fleet_.find_by_link(event.link);
  if (!live || !brought_foreign_.insert(live->id).second) return;
  LedgerRow row;
  row.kind = ledger::kJobDuplicate;
  row.lease = event.lease;
  row.worker = live->id;
  row.detail =
      "another farm gave this lease: the worker keeps its pictures until it is connected to the "
      "coordinator of that farm's folder again";
  append(std::move(row));
}

void Core::Impl::accept_result(Job& job, const Lease& lease, const LeaseFinished& event) {
  Batch& batch = get_batch(job.batch);
  const WorkerId maker = lease.worker;
  const bool was_failed = job.state == JobState::failed;
  bool its_own = false;
  if (was_failed) --batch.jobs_failed;
  if (job.state == JobState::queued) dequeue(batch, get_sheet(job.sheet), job);
  if (job.state == JobState::leased) {
    const LiveWorker* holder = fleet_.find(job.worker);
    if (job.lease != event.lease && holder->link) send(SendCancel{holder->link, job.lease});
    const auto twin = twins_.find(job.id);
    const bool by_twin = twin != twins_.end() && twin->second.lease == event.lease;
    if (by_twin) {
      const Run its = runs_.at(event.lease);
      its_own = true;
      measure(its, end_twin(job.id, "", false));
    } else {
      end_twin(job.id, "another worker was sooner", true);
    }
    const Run run = runs_.at(job.lease);
    const bool by_first = job.lease == event.lease;
    its_own = its_own || by_first;
    const Duration took = end_lease(job);
    if (by_first) measure(run, took);
    charge(batch, took);
  }
  job.state = JobState::done;
  job.worker = maker;
  job.leased_at = lease.leased_at;
  job.ended_at = now_;
  job.result = event.result;
  job.metrics = event.metrics;
  job.error.clear();
  forget_leases(job.id);
  avoidance_.forget(job.id);
  show_take(job);
  put(job);
  ++batch.jobs_done;
  put(batch);
  ++get_worker(maker).jobs_done;
  if (LiveWorker* live = fleet_.find(maker)) {
    live->row_changed = true;
    live->troubles = 0;
  } else {
    put(get_worker(maker));
  }
  note(ledger::kJobDone, job, event.lease, maker, to_hex(event.result));
  note_picture(job, get_worker(maker), its_own);
  send(SendAcknowledged{event.link, event.lease, event.job, false});
  Sheet& sheet = get_sheet(job.sheet);
  if (was_failed) {
    reopen(sheet);
  } else {
    job_ended(job);
  }
  if (sheet.proof == Proof::waiting && !waits_for_proof(job)) assemble_now_.insert(sheet.id);
}

// The newest take that is done is the one to show.
void Core::Impl::show_take(const Job& job) {
  Pose& pose = state_.poses.at(job.pose);
  if (pose.latest != job.id && pose.chosen) return;
  show(pose, job.id);
}

// What was said of another take does not hold for this one.
void Core::Impl::show(Pose& pose, JobId take) {
  pose.chosen = take;
  pose.review = Review::unreviewed;
  pose.review_note.clear();
  put(pose);
}

const Lease* Core::Impl::find_lease(JobId job, LeaseId lease) const {
  const auto [first, last] = state_.leases.equal_range(job);
  for (auto at = first; at != last; ++at) {
    if (at->second.id == lease) return &at->second;
  }
  return nullptr;
}

void Core::Impl::forget_leases(JobId job) {
  const auto [first, last] = state_.leases.equal_range(job);
  for (auto at = first; at != last; ++at) {
    told_to_drop_.erase(at->second.id);
    too_fast_.erase(at->second.id);
  }
  state_.leases.erase(first, last);
}

}  // namespace pirouette::core
