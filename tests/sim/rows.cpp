#include "tests/sim/rows.h"

#include <sstream>

#include "coordinator/core/ledger.h"

namespace pirouette::sim {

using namespace core;

void Rows::apply(const std::vector<Write>& writes) {
  struct Put {
    Rows& rows;
    void operator()(const PutBatch& put) { rows.batches[put.row.id] = put.row; }
    void operator()(const PutSheet& put) { rows.sheets[put.row.id] = put.row; }
    void operator()(const PutPose& put) { rows.poses[put.row.id] = put.row; }
    void operator()(const PutJob& put) { rows.jobs[put.row.id] = put.row; }
    void operator()(const PutLease& put) { rows.leases[put.row.id] = put.row; }
    void operator()(const PutWorker& put) { rows.workers[put.row.id] = put.row; }
    void operator()(const PutLora& put) { rows.loras[put.row.id] = put.row; }
    void operator()(const AppendEvent& append) { rows.ledger.push_back(append.row); }
  };
  for (const Write& write : writes) std::visit(Put{*this}, write);
}

State Rows::load() const {
  State state;
  const auto next = [](const auto& table, auto& counter) {
    if (!table.empty()) counter.value = table.rbegin()->first.value + 1;
  };
  next(batches, state.next.batch);
  next(sheets, state.next.sheet);
  next(poses, state.next.pose);
  next(jobs, state.next.job);
  next(leases, state.next.lease);
  next(workers, state.next.worker);
  next(loras, state.next.lora);
  state.next.event.value = ledger.size() + 1;
  for (const auto& [id, batch] : batches) {
    if (!batch.settled()) {
      state.batches[id] = batch;
    } else if (batch.rendered_at) {
      state.past_use.push_back({batch.owner, batch.rendered, *batch.rendered_at});
    }
    if (batch.submission_key.empty()) continue;
    state.submissions[batch.submission_key] = {id, batch.submission, batch.sheets, batch.jobs};
  }
  add_theirs(state);
  state.workers = workers;
  state.loras = loras;
  for (const LedgerRow& row : ledger) {
    if (row.kind == core::ledger::kFarmStopped) state.farm_stopped = row.detail;
    if (row.kind == core::ledger::kFarmResumed) state.farm_stopped.clear();
  }
  return state;
}

State Rows::recall(const Recall& wanted) const {
  const SheetId sheet = wanted.pose ? poses.at(wanted.pose).sheet : wanted.sheet;
  const BatchId batch = sheet ? sheets.at(sheet).batch : wanted.batch;
  State state;
  state.batches[batch] = batches.at(batch);
  add_theirs(state);
  return state;
}

// All that belongs to the batches that are there.
void Rows::add_theirs(State& state) const {
  for (const auto& [id, sheet] : sheets) {
    if (state.batches.contains(sheet.batch)) state.sheets[id] = sheet;
  }
  for (const auto& [id, pose] : poses) {
    if (state.sheets.contains(pose.sheet)) state.poses[id] = pose;
  }
  for (const auto& [id, job] : jobs) {
    if (state.batches.contains(job.batch)) state.jobs[id] = job;
  }
  for (const auto& [id, lease] : leases) {
    const auto job = state.jobs.find(lease.job);
    if (job != state.jobs.end() && job->second.state != JobState::done) {
      state.leases.emplace(lease.job, lease);
    }
  }
}

namespace {

class Lines {
 public:
  template <typename... Fields>
  void add(std::string_view kind, const Fields&... fields) {
    out_ << kind;
    (add_field(fields), ...);
    out_ << '\n';
  }
  std::string text() const { return out_.str(); }

 private:
  template <typename Tag>
  void add_field(Id<Tag> id) {
    out_ << ' ' << id.value;
  }
  void add_field(Instant at) { out_ << ' ' << at.us; }
  void add_field(const Digest& digest) { out_ << ' ' << (digest ? to_hex(digest) : "-"); }
  template <typename T>
  void add_field(const std::optional<T>& field) {
    if (field) {
      add_field(*field);
    } else {
      out_ << " -";
    }
  }
  void add_field(const std::vector<std::string>& names) {
    for (const std::string& name : names) out_ << ' ' << name;
  }
  template <typename T>
  void add_field(const T& field) {
    out_ << ' ' << field;
  }

  std::ostringstream out_;
};

}  // namespace

std::string describe(const State& state) {
  Lines lines;
  const Counters& next = state.next;
  lines.add("next", next.batch, next.sheet, next.pose, next.job, next.lease, next.worker, next.lora,
            next.event);
  for (const auto& [id, row] : state.batches) {
    lines.add("batch", row.id, row.name, row.owner, row.priority, row.deadline, name(row.state),
              row.paused, row.idle_only, row.submitted_at, row.finished_at, row.sheets,
              row.sheets_open, row.jobs, row.jobs_done, row.jobs_failed, row.jobs_cancelled,
              row.submission_key, row.submission, row.rendered.us, row.rendered_at, row.ready_p50,
              row.ready_p90, row.at_risk);
  }
  for (const auto& [id, row] : state.sheets) {
    lines.add("sheet", row.id, row.batch, row.index, row.character, row.notes, row.reference,
              row.original, row.seed, row.priority, name(row.state), row.first_pose, row.poses,
              row.version, row.picture, row.thumbnail, row.checks, name(row.proof));
  }
  for (const auto& [id, row] : state.poses) {
    lines.add("pose", row.id, row.sheet, row.view, row.latest, row.chosen, name(row.review),
              row.review_note);
  }
  for (const auto& [id, row] : state.jobs) {
    lines.add("job", row.id, row.pose, row.sheet, row.batch, row.take, row.seed, row.correction,
              name(row.state), row.attempts, row.failures, row.losses, row.lease, row.worker,
              row.queued_at, row.leased_at, row.ended_at, row.result, row.metrics, row.error);
  }
  for (const auto& [job, row] : state.leases) {
    lines.add("lease", row.id, row.job, row.worker, row.attempt, row.leased_at);
  }
  for (const auto& [id, row] : state.workers) {
    lines.add("worker", row.id, row.name, name(row.state), row.device_kind, row.device_name,
              row.memory_bytes, row.engine_build, row.capacity, row.models, row.loras,
              row.lora_cache_bytes, row.tags, row.quarantine, row.joined_at);
  }
  for (const auto& [id, row] : state.loras) {
    lines.add("lora", row.id, row.name, row.sha256, row.bytes, row.trigger, row.added_at,
              row.added_by, row.retired_at);
  }
  return lines.text();
}

}  // namespace pirouette::sim
