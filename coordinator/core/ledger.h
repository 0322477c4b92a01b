#pragma once
// The kinds of ledger rows: the words in which the farm's history is told. They are part of the
// HTTP API (server-sent events), so a kind is never renamed.
//
// One row tells one change. What changes for a whole batch at once (its submission, the cancelling
// of jobs that only waited) is one row of the batch, not one a job.

#include <string_view>

namespace pirouette::core::ledger {

inline constexpr std::string_view kBatchSubmitted = "batch.submitted";
inline constexpr std::string_view kBatchFinished = "batch.finished";
inline constexpr std::string_view kBatchCancelled = "batch.cancelled";
inline constexpr std::string_view kBatchPaused = "batch.paused";
inline constexpr std::string_view kBatchResumed = "batch.resumed";
inline constexpr std::string_view kBatchPriority = "batch.priority";
inline constexpr std::string_view kBatchAtRisk = "batch.at_risk";  // of missing its deadline
inline constexpr std::string_view kBatchOnTime = "batch.on_time";  // not any more

inline constexpr std::string_view kLoraAdded = "lora.added";
inline constexpr std::string_view kLoraReplaced = "lora.replaced";
inline constexpr std::string_view kLoraTrigger = "lora.trigger";
inline constexpr std::string_view kLoraRetired = "lora.retired";

inline constexpr std::string_view kPoseRerolled = "pose.rerolled";
inline constexpr std::string_view kPoseReviewed = "pose.reviewed";
inline constexpr std::string_view kPoseChosen = "pose.chosen";  // another take by a person's wish

inline constexpr std::string_view kJobLeased = "job.leased";
inline constexpr std::string_view kJobDone = "job.done";
inline constexpr std::string_view kJobFailed = "job.failed";         // for good
inline constexpr std::string_view kJobRequeued = "job.requeued";     // failed, refused or lost
inline constexpr std::string_view kJobCancelled = "job.cancelled";   // while it was rendered
inline constexpr std::string_view kJobTwinned = "job.twinned";       // begun on another worker too
inline constexpr std::string_view kJobTwinEnded = "job.twin_ended";  // and ended there without use
inline constexpr std::string_view kJobDuplicate = "job.duplicate";   // a picture not taken, and why

inline constexpr std::string_view kSheetProven = "sheet.proven";      // its other views may go on
inline constexpr std::string_view kSheetUnproven = "sheet.unproven";  // they wait for a person
inline constexpr std::string_view kSheetReady = "sheet.ready";
inline constexpr std::string_view kSheetIncomplete = "sheet.incomplete";
inline constexpr std::string_view kSheetApproved = "sheet.approved";
inline constexpr std::string_view kSheetCancelled = "sheet.cancelled";
inline constexpr std::string_view kSheetAssemblyFailed = "sheet.assembly_failed";

inline constexpr std::string_view kWorkerJoined = "worker.joined";
inline constexpr std::string_view kWorkerLost = "worker.lost";
inline constexpr std::string_view kWorkerLeft = "worker.left";
inline constexpr std::string_view kWorkerDraining = "worker.draining";
inline constexpr std::string_view kWorkerCapacity = "worker.capacity";
inline constexpr std::string_view kWorkerQuarantined = "worker.quarantined";
inline constexpr std::string_view kWorkerReleased = "worker.released";

inline constexpr std::string_view kFarmStopped = "farm.stopped";  // no work is given out
inline constexpr std::string_view kFarmResumed = "farm.resumed";

}  // namespace pirouette::core::ledger
