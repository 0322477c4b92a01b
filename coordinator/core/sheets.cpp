// When all poses of a sheet are done, or failed for good, the sheet is put together; when all
// sheets of a batch are, the batch is finished; when nothing of it can change any more, it is
// dropped from memory.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "coordinator/core/impl.h"
#include "coordinator/core/ledger.h"

namespace pirouette::core {
namespace {

// Assembly is deterministic, so only a passing trouble (memory) is helped by trying again; a tick
// apart, three attempts see it through or show that it is none.
constexpr std::uint32_t kAssembliesMax = 3;

// A full disk is emptied by people, and the pictures are all there: it is tried without end. The
// longest pause is 256 s: little to work, and soon after somebody mended it.
constexpr std::uint32_t kDiskPauseDoublingsMax = 8;

std::string_view kind_of(SheetState settled) {
  return settled == SheetState::approved ? ledger::kSheetApproved
         : settled == SheetState::ready  ? ledger::kSheetReady
                                         : ledger::kSheetIncomplete;
}

std::string assembly_failed_check(const std::string& message) {
  nlohmann::json checks = nlohmann::json::array();
  checks.push_back({{"view", ""}, {"flag", "assembly_failed"}, {"detail", message}});
  return checks.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void Core::Impl::job_ended(const Job& job) {
  OpenSheet& open = open_sheets_.at(job.sheet);
  PIROUETTE_CHECK(open.jobs_open > 0);
  if (--open.jobs_open == 0) assemble_now_.insert(job.sheet);
}

void Core::Impl::reopen(Sheet& sheet) {
  Batch& batch = get_batch(sheet.batch);
  if (open_sheets_.at(sheet.id).jobs_open == 0) assemble_now_.insert(sheet.id);
  if (sheet.state == SheetState::rendering) return;
  sheet.state = SheetState::rendering;
  put(sheet);
  ++batch.sheets_open;
  if (batch.state == BatchState::finished) {
    batch.state = BatchState::running;
    batch.finished_at.reset();
  }
  put(batch);
}

void Core::Impl::assemble_due_sheets() {
  std::set<SheetId> due;
  due.swap(assemble_now_);
  for (SheetId id : due) {
    const auto found = state_.sheets.find(id);
    // Gone, or cancelled, while it waited for its next attempt.
    if (found == state_.sheets.end() || found->second.state != SheetState::rendering) continue;
    assemble_again_.erase(id);
    if (open_sheets_.at(id).jobs_open > 0) {  // a take was added, or only its proof is there
      if (found->second.proof == Proof::waiting) assemble_proof(found->second);
      continue;
    }
    assemble(found->second);
  }
}

void Core::Impl::assemble(Sheet& sheet) {
  OpenSheet& open = open_sheets_.at(sheet.id);
  const std::vector<View>& views = get_batch(sheet.batch).recipe->views;
  AssembleSheet task;
  task.sheet = sheet.id;
  task.version = ++open.version_asked;
  task.character = sheet.character;
  for (std::uint32_t i = 0; i < sheet.poses; ++i) {
    const Pose& pose = state_.poses.at(PoseId{sheet.first_pose.value + i});
    PlannedView planned{views[pose.view], std::nullopt};
    if (pose.chosen) planned.picture = get_job(pose.chosen).result;
    task.views.push_back(std::move(planned));
  }
  out_.tasks.push_back(std::move(task));
}

void Core::Impl::on(const SheetAssembled& event) {
  const auto found = state_.sheets.find(event.sheet);
  if (found == state_.sheets.end() || found->second.state != SheetState::rendering) return;
  Sheet& sheet = found->second;
  OpenSheet& open = open_sheets_.at(sheet.id);
  if (event.version != open.version_asked || assemble_again_.contains(sheet.id)) return;
  open.assembly_failures = open.disk_failures = 0;
  sheet.version = event.version;
  sheet.picture = event.picture;
  sheet.thumbnail = event.thumbnail;
  sheet.checks = event.checks;
  // A take was added meanwhile: this version is kept, and another one follows.
  if (open.jobs_open > 0) {
    put(sheet);
    if (sheet.proof == Proof::waiting) judge_proof(sheet);
    return;
  }
  const SheetState to = judge(sheet);
  settle(sheet, to, kind_of(to), "version " + std::to_string(sheet.version));
}

void Core::Impl::on(const SheetAssemblyFailed& event) {
  const auto found = state_.sheets.find(event.sheet);
  if (found == state_.sheets.end() || found->second.state != SheetState::rendering) return;
  Sheet& sheet = found->second;
  OpenSheet& open = open_sheets_.at(sheet.id);
  if (event.version != open.version_asked || assemble_again_.contains(sheet.id)) return;
  const bool proof = open.jobs_open > 0;
  if (proof && sheet.proof != Proof::waiting) return;  // it is put together anew after them
  const std::string& why = event.error.what;
  if (event.error.code == Errc::io) return assemble_later(sheet, why);
  note(ledger::kSheetAssemblyFailed, sheet, why);
  if (++open.assembly_failures < kAssembliesMax) {
    assemble_again_[sheet.id] = now_;
    return;
  }
  open.assembly_failures = open.disk_failures = 0;
  if (proof) return say_unproven(sheet, "it could not be looked at: " + why);
  sheet.checks = assembly_failed_check(why);
  settle(sheet, SheetState::incomplete, ledger::kSheetIncomplete,
         "it could not be put together: " + why);
}

// Said whenever the pause has doubled, and no more once it is the longest.
void Core::Impl::assemble_later(const Sheet& sheet, const std::string& why) {
  OpenSheet& open = open_sheets_.at(sheet.id);
  const std::uint32_t doublings = std::min(open.disk_failures, kDiskPauseDoublingsMax);
  const Duration pause = seconds(std::int64_t{1} << doublings);
  assemble_again_[sheet.id] = now_ + pause;
  if (open.disk_failures > kDiskPauseDoublingsMax) return;
  const bool longest = open.disk_failures++ == kDiskPauseDoublingsMax;
  note(ledger::kSheetAssemblyFailed, sheet,
       why + "; tried again " + (longest ? "every " : "in ") +
           std::to_string(pause.us / 1'000'000) + " s");
}

void Core::Impl::assemble_again_when_due() {
  std::erase_if(assemble_again_, [this](const auto& entry) {
    if (now_ < entry.second) return false;
    assemble_now_.insert(entry.first);
    return true;
  });
}

void Core::Impl::settle(Sheet& sheet, SheetState to, std::string_view kind,
                        const std::string& detail) {
  sheet.state = to;
  if (sheet.proof == Proof::waiting && to != SheetState::cancelled) sheet.proof = Proof::passed;
  put(sheet);
  note(kind, sheet, detail);
  Batch& batch = get_batch(sheet.batch);
  PIROUETTE_CHECK(batch.sheets_open > 0);
  if (--batch.sheets_open == 0 && batch.state == BatchState::running) {
    batch.state = BatchState::finished;
    batch.finished_at = now_;
    batch.ready_p50 = batch.ready_p90 = std::nullopt;
    batch.at_risk = false;
    note(ledger::kBatchFinished, batch,
         std::to_string(batch.jobs_done) + " of " + std::to_string(batch.jobs) + " jobs done");
  }
  put(batch);
  touched_.insert(batch.id);
}

// What its poses make of a sheet that is put together.
SheetState Core::Impl::judge(const Sheet& sheet) const {
  bool approved = true;
  for (std::uint32_t i = 0; i < sheet.poses; ++i) {
    const Pose& pose = state_.poses.at(PoseId{sheet.first_pose.value + i});
    if (!pose.chosen) return SheetState::incomplete;
    approved = approved && pose.review == Review::approved;
  }
  return approved ? SheetState::approved : SheetState::ready;
}

void Core::Impl::drop_if_settled(BatchId id) {
  const Batch& batch = get_batch(id);
  if (!batch.settled()) return;
  const SheetId first = first_sheets_.at(id);
  for (std::uint32_t i = 0; i < batch.sheets; ++i) {
    const SheetId sheet_id{first.value + i};
    const Sheet& sheet = get_sheet(sheet_id);
    for (const JobId job : open_sheets_.at(sheet_id).jobs) {
      forget_leases(job);
      state_.jobs.erase(job);
    }
    for (std::uint32_t view = 0; view < sheet.poses; ++view) {
      state_.poses.erase(PoseId{sheet.first_pose.value + view});
    }
    open_sheets_.erase(sheet_id);
    assemble_now_.erase(sheet_id);
    assemble_again_.erase(sheet_id);
    state_.sheets.erase(sheet_id);
  }
  first_sheets_.erase(id);
  kinds_.erase(id);
  state_.batches.erase(id);
}

}  // namespace pirouette::core
