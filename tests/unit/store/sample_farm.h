#pragma once
// A small farm for the store's tests: rows of every kind with values at their edges, the writes
// that make them, and what makes two rows equal.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <initializer_list>
#include <string>
#include <tuple>
#include <vector>

#include "coordinator/core/effect.h"
#include "coordinator/store/store.h"

namespace pirouette::store {

// Fails the test with the Error's words.
#define ASSERT_OK(result) ASSERT_TRUE((result).ok()) << (result).error().what

// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("pirouette-store-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path database() const { return path_ / "farm.db"; }

 private:
  std::filesystem::path path_;
};

inline Digest digest_of(std::uint8_t first) {
  Digest digest;
  digest.bytes.fill(0xA5);
  digest.bytes[0] = first;
  return digest;
}

inline std::shared_ptr<const Recipe> sample_recipe() {
  Recipe recipe;
  recipe.pose_set = "custom";
  recipe.views = {standard_views()[0], standard_views()[2]};
  recipe.loras = {{"turnaround", 0.85, "create turnaround sheet of this character"}};
  recipe.prompt = "{triggers}: {view}, {geometry}, \"quoted\", Ärmel 袖";
  return std::make_shared<const Recipe>(std::move(recipe));
}

inline core::Batch sample_batch(std::uint64_t id, std::uint32_t sheets = 1) {
  core::Batch batch;
  batch.id = {id};
  batch.name = "Nachtschicht 夜 №" + std::to_string(id);
  batch.owner = "";
  batch.priority = 100;
  batch.deadline = Instant{INT64_MAX};
  batch.recipe = sample_recipe();
  batch.submitted_at = Instant{1'700'000'000'000'000};
  batch.sheets = batch.sheets_open = sheets;
  batch.jobs = 2 * sheets;
  batch.submission_key = "key-" + std::to_string(batch.id.value);
  batch.submission = digest_of(9);
  return batch;
}

// Sheet n (from 1) of all; poses and jobs are numbered 2n - 1 and 2n.
inline core::Sheet sample_sheet(std::uint64_t n, BatchId batch) {
  core::Sheet sheet;
  sheet.id = {n};
  sheet.batch = batch;
  sheet.index = static_cast<std::uint32_t>(n);
  sheet.character = "knight_" + std::to_string(n);
  sheet.notes = std::string("a nul \0 inside", 14);
  sheet.reference = digest_of(static_cast<std::uint8_t>(n));
  sheet.original = digest_of(5);
  sheet.seed = UINT64_MAX;
  sheet.priority = 0;
  sheet.first_pose = {2 * n - 1};
  sheet.poses = 2;
  sheet.version = UINT32_MAX;
  sheet.picture = digest_of(0);
  sheet.checks = R"({"front":"ok"})";
  return sheet;
}

inline core::Pose sample_pose(std::uint64_t id) {
  core::Pose pose;
  pose.id = {id};
  pose.sheet = {(id + 1) / 2};
  pose.view = static_cast<std::uint32_t>((id + 1) % 2);
  pose.latest = {id};
  return pose;
}

inline core::Job sample_job(std::uint64_t id, BatchId batch) {
  core::Job job;
  job.id = {id};
  job.pose = {id};
  job.sheet = {(id + 1) / 2};
  job.batch = batch;
  job.seed = (std::uint64_t{1} << 63) + id;
  job.correction = "the cape is réd 🧣";
  job.queued_at = Instant{-1};
  return job;
}

inline core::Worker sample_worker(std::uint64_t id) {
  core::Worker worker;
  worker.id = {id};
  worker.name = "gpu-" + std::to_string(id);
  worker.state = core::WorkerState::online;
  worker.device_kind = "cuda";
  worker.device_name = "NVIDIA H200 \"SXM\"";
  worker.memory_bytes = std::uint64_t{141} << 30;
  worker.engine_build = "libtorch 2.11";
  worker.capacity = 2;
  worker.models = {"flux1-kontext-dev", "a,b \"c\" \\"};
  worker.lora_cache_bytes = std::uint64_t{20} << 30;
  worker.residency = "{}";
  worker.joined_at = Instant{5};
  worker.heard_at = Instant{6};
  worker.jobs_done = UINT64_MAX;
  return worker;
}

inline core::Lora sample_lora(std::uint64_t id, const std::string& name) {
  core::Lora lora;
  lora.id = {id};
  lora.name = name;
  lora.sha256 = sha256(name + std::to_string(id));
  lora.bytes = (std::uint64_t{1} << 31) + id;
  lora.trigger = "in \"ink\" 🖋";
  lora.added_at = Instant{7};
  lora.added_by = "ada";
  return lora;
}

inline core::LedgerRow sample_event(std::uint64_t id) {
  core::LedgerRow row;
  row.id = {id};
  row.at = Instant{static_cast<std::int64_t>(id) * 10};
  row.kind = "job.done";
  row.job = {id};
  row.detail = "détail";
  return row;
}

// Everything a submission writes: sheets from first_sheet on, each with two poses and two jobs.
inline std::vector<core::Write> submission(core::Batch batch, std::uint64_t first_sheet) {
  std::vector<core::Write> writes;
  writes.emplace_back(core::PutBatch{batch});
  for (std::uint64_t n = first_sheet; n < first_sheet + batch.sheets; ++n) {
    writes.emplace_back(core::PutSheet{sample_sheet(n, batch.id)});
    for (const std::uint64_t id : {2 * n - 1, 2 * n}) {
      writes.emplace_back(core::PutPose{sample_pose(id)});
      writes.emplace_back(core::PutJob{sample_job(id, batch.id)});
    }
  }
  return writes;
}

// What one pass through the core writes when a job is done.
inline std::vector<core::Write> completion(core::Batch& batch, std::uint64_t job_id,
                                           EventId event) {
  core::Job job = sample_job(job_id, batch.id);
  job.state = core::JobState::done;
  job.worker = {1};
  job.result = digest_of(7);
  ++batch.jobs_done;
  core::Pose pose = sample_pose(job_id);
  pose.chosen = job.id;
  core::LedgerRow row = sample_event(event.value);
  row.job = job.id;
  return {core::PutJob{job}, core::PutPose{pose}, core::PutBatch{batch}, core::AppendEvent{row}};
}

// --- all that makes two rows equal

inline auto fields(const core::Batch& r) {
  return std::tuple(r.id, r.name, r.owner, r.priority, r.deadline, *r.recipe, r.state, r.paused,
                    r.submitted_at, r.finished_at, r.sheets, r.sheets_open, r.jobs, r.jobs_done,
                    r.jobs_failed, r.jobs_cancelled, r.submission_key, r.submission, r.idle_only,
                    r.rendered.us, r.rendered_at, r.ready_p50, r.ready_p90, r.at_risk);
}
inline auto fields(const core::Sheet& r) {
  return std::tuple(r.id, r.batch, r.index, r.character, r.notes, r.reference, r.original, r.seed,
                    r.priority, r.state, r.first_pose, r.poses, r.version, r.picture, r.thumbnail,
                    r.checks, r.proof);
}
inline auto fields(const core::Pose& r) {
  return std::tuple(r.id, r.sheet, r.view, r.latest, r.chosen, r.review, r.review_note);
}
inline auto fields(const core::Job& r) {
  return std::tuple(r.id, r.pose, r.sheet, r.batch, r.take, r.seed, r.correction, r.state,
                    r.attempts, r.failures, r.losses, r.lease, r.worker, r.queued_at, r.leased_at,
                    r.ended_at, r.result, r.metrics, r.error);
}
inline auto fields(const core::Lease& r) {
  return std::tuple(r.id, r.job, r.worker, r.attempt, r.leased_at);
}
inline auto fields(const core::Worker& r) {
  return std::tuple(r.id, r.name, r.state, r.device_kind, r.device_name, r.memory_bytes,
                    r.engine_build, r.capacity, r.models, r.loras, r.lora_cache_bytes, r.residency,
                    r.joined_at, r.heard_at, r.jobs_done, r.jobs_failed, r.tags, r.quarantine);
}
inline auto fields(const core::Lora& r) {
  return std::tuple(r.id, r.name, r.sha256, r.bytes, r.trigger, r.added_at, r.added_by,
                    r.retired_at);
}
inline auto fields(const core::LedgerRow& r) {
  return std::tuple(r.id, r.at, r.kind, r.batch, r.sheet, r.pose, r.job, r.lease, r.worker,
                    r.detail);
}

}  // namespace pirouette::store
