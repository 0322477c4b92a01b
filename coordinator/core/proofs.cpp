// The proof wave: of a recipe with a proof, each character's one view (the front, most often) is
// rendered first. The others are held until its checks pass or a person approves it, so that a
// wrong reference costs one picture and not eight. Where the recipe asks for it, workers that have
// nothing else render held views meanwhile.
//
// The proof is put together like a sheet of one view, as a version of the sheet, so that people see
// it and assembly's checks are made of it.

#include <algorithm>

#include "coordinator/core/impl.h"
#include "coordinator/core/ledger.h"

namespace pirouette::core {

bool Core::Impl::is_proof(const Batch& batch, const Pose& pose) const {
  return batch.recipe->views[pose.view].id == batch.recipe->proof;
}

// The pose that is its sheet's proof; null where there is none.
Pose* Core::Impl::find_proof(const Sheet& sheet) {
  const Batch& batch = get_batch(sheet.batch);
  if (batch.recipe->proof.empty()) return nullptr;
  for (std::uint32_t i = 0; i < sheet.poses; ++i) {
    Pose& pose = get_pose(PoseId{sheet.first_pose.value + i});
    if (is_proof(batch, pose)) return &pose;
  }
  return nullptr;
}

bool Core::Impl::waits_for_proof(const Job& job) {
  const Sheet& sheet = get_sheet(job.sheet);
  return sheet.proof == Proof::waiting && !is_proof(get_batch(job.batch), get_pose(job.pose));
}

// A job that is to be rendered, or held.
void Core::Impl::enqueue_or_hold(const Batch& batch, const Sheet& sheet, Job& job) {
  if (waits_for_proof(job) && !batch.recipe->held_fills_idle) {
    job.state = JobState::held;
    job.queued_at.reset();
  } else {
    job.state = JobState::queued;
    job.queued_at = now_;
    enqueue(batch, sheet, job);
  }
}

void Core::Impl::assemble_proof(Sheet& sheet) {
  const Pose* proof = find_proof(sheet);
  if (!proof || !proof->chosen) return;
  AssembleSheet task;
  task.sheet = sheet.id;
  task.version = ++open_sheets_.at(sheet.id).version_asked;
  task.character = sheet.character;
  task.views.push_back(
      {get_batch(sheet.batch).recipe->views[proof->view], get_job(proof->chosen).result});
  out_.tasks.push_back(std::move(task));
}

// Its proof is put together and looked at.
void Core::Impl::judge_proof(Sheet& sheet) {
  if (sheet.checks.empty() || sheet.checks == "[]") return pass_proof(sheet, "its checks passed");
  say_unproven(sheet, "its checks noticed something: " + sheet.checks);
}

void Core::Impl::say_unproven(const Sheet& sheet, const std::string& why) {
  note(ledger::kSheetUnproven, sheet,
       why + "; approve its " + get_batch(sheet.batch).recipe->proof +
           " view to have the others rendered, or ask for another take of it");
}

void Core::Impl::pass_proof(Sheet& sheet, const std::string& why) {
  if (sheet.proof != Proof::waiting) return;
  const Batch& batch = get_batch(sheet.batch);
  std::vector<JobId> waiting;
  for (const JobId id : open_sheets_.at(sheet.id).jobs) {
    const Job& job = get_job(id);
    if (!waits_for_proof(job)) continue;
    if (job.state == JobState::queued) dequeue(batch, sheet, job);
    if (job.state == JobState::queued || job.state == JobState::held) waiting.push_back(id);
  }
  sheet.proof = Proof::passed;
  put(sheet);
  note(ledger::kSheetProven, sheet, why);
  for (const JobId id : waiting) {
    Job& job = get_job(id);
    enqueue_or_hold(batch, sheet, job);
    put(job);
  }
}

}  // namespace pirouette::core
