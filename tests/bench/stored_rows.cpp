#include "tests/bench/stored_rows.h"

#include <algorithm>

#include "coordinator/core/ledger.h"
#include "tests/bench/measure.h"

namespace pirouette::bench {
namespace {

using core::Write;

constexpr Instant kSubmitted{1'767'225'600'000'000};

core::Sheet make_sheet(const core::Batch& batch, SheetId id, PoseId first_pose) {
  core::Sheet row;
  row.id = id;
  row.batch = batch.id;
  row.index = static_cast<std::uint32_t>(id.value - 1) % batch.sheets;
  row.character = "character_" + std::to_string(id.value);
  row.first_pose = first_pose;
  row.poses = kViews;
  return row;
}

core::Job make_job(std::uint64_t id, core::JobState state) {
  core::Job job;
  job.id = {id};
  job.pose = {id};
  job.sheet = {(id - 1) / kViews + 1};
  job.batch = {(id - 1) / kJobsPerBatch + 1};
  job.seed = id;
  job.state = state;
  job.queued_at = kSubmitted;
  return job;
}

void add_history(const core::Job& job, std::vector<Write>& writes) {
  writes.emplace_back(core::PutLease{{{job.id.value}, job.id, job.worker, 1, *job.leased_at}});
  for (const bool done : {false, true}) {
    core::LedgerRow row;
    row.id = {2 * job.id.value - (done ? 0 : 1)};
    row.at = done ? *job.ended_at : *job.leased_at;
    row.kind = done ? core::ledger::kJobDone : core::ledger::kJobLeased;
    row.batch = job.batch;
    row.sheet = job.sheet;
    row.pose = job.pose;
    row.job = job.id;
    row.lease = {job.id.value};
    row.worker = job.worker;
    row.detail = done ? to_hex(job.result) : "attempt 1";
    writes.emplace_back(core::AppendEvent{std::move(row)});
  }
}

}  // namespace

core::Batch make_batch(std::uint64_t id, std::uint32_t jobs) {
  Recipe recipe;
  recipe.views = standard_views();
  recipe.prompt = default_prompt_template();
  core::Batch batch;
  batch.id = {id};
  batch.name = "bench";
  batch.owner = "owner" + std::to_string(id % 20);
  batch.recipe = std::make_shared<const Recipe>(std::move(recipe));
  batch.submitted_at = kSubmitted;
  batch.jobs = jobs;
  batch.sheets = batch.sheets_open = static_cast<std::uint32_t>(jobs / kViews);
  return batch;
}

std::vector<Write> make_rows(const core::Batch& batch, std::uint64_t first_job,
                             core::JobState state, const Digest& reference, const Digest& picture) {
  const bool done = state == core::JobState::done;
  std::vector<Write> writes{core::PutBatch{batch}};
  for (std::uint64_t id = first_job; id < first_job + batch.jobs; ++id) {
    const SheetId sheet{(id - 1) / kViews + 1};
    if ((id - 1) % kViews == 0) {
      core::Sheet row = make_sheet(batch, sheet, {id});
      row.reference = reference;
      if (done) {
        row.state = core::SheetState::ready;
        row.version = 1;
        row.picture = row.thumbnail = picture;
        row.checks = "[]";
      }
      writes.emplace_back(core::PutSheet{row});
    }
    core::Pose pose;
    pose.id = {id};
    pose.sheet = sheet;
    pose.view = static_cast<std::uint32_t>((id - 1) % kViews);
    pose.latest = {id};
    core::Job job = make_job(id, state);
    if (done) {
      pose.chosen = job.id;
      job.worker = {1};
      job.attempts = 1;
      job.leased_at = kSubmitted + milliseconds(static_cast<std::int64_t>(id));
      job.ended_at = *job.leased_at + milliseconds(900);
      job.result = picture;
      job.metrics.assign(200, 'm');
      add_history(job, writes);
    }
    writes.emplace_back(core::PutPose{pose});
    writes.emplace_back(core::PutJob{std::move(job)});
  }
  return writes;
}

void fill(store::Store& store, std::uint64_t first_job, std::uint64_t jobs, core::JobState state,
          const Digest& reference, const Digest& picture) {
  for (std::uint64_t at = first_job; at < first_job + jobs;) {
    const std::uint64_t count = std::min(kJobsPerBatch, first_job + jobs - at);
    core::Batch batch = make_batch((at - 1) / kJobsPerBatch + 1, static_cast<std::uint32_t>(count));
    if (state == core::JobState::done) {
      batch.state = core::BatchState::finished;
      batch.finished_at = batch.rendered_at = kSubmitted + seconds(3600);
      batch.rendered = seconds(3600);
      batch.jobs_done = batch.jobs;
      batch.sheets_open = 0;
    }
    need(store.commit(make_rows(batch, at, state, reference, picture)));
    at += count;
  }
}

void lease_out(store::Store& store, std::uint64_t first_job, std::uint64_t workers) {
  std::vector<Write> writes;
  for (std::uint64_t id = 1; id <= workers; ++id) {
    core::Worker worker;
    worker.id = {id};
    worker.name = "stored-" + std::to_string(id);
    worker.state = core::WorkerState::online;
    worker.device_kind = "cuda";
    worker.device_name = "NVIDIA H200";
    worker.capacity = 2;
    worker.models = {Recipe{}.model};
    worker.tags = {"80gb"};
    worker.residency = R"({"model":"flux1-kontext-dev","counters":{"renders_total":12}})";
    writes.emplace_back(core::PutWorker{worker});
    for (const std::uint64_t job_id : {first_job + 2 * id - 2, first_job + 2 * id - 1}) {
      core::Job job = make_job(job_id, core::JobState::leased);
      job.lease = {job_id};
      job.worker = worker.id;
      job.attempts = 1;
      job.leased_at = kSubmitted;
      writes.emplace_back(core::PutLease{{job.lease, job.id, job.worker, 1, *job.leased_at}});
      writes.emplace_back(core::PutJob{std::move(job)});
    }
  }
  need(store.commit(writes));
}

}  // namespace pirouette::bench
