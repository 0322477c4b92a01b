#include "coordinator/store/loader.h"

#include <string>
#include <utility>

#include "coordinator/store/rows.h"

namespace pirouette::store {
namespace {

// Must be word for word the WHERE of the index batch_unsettled. CROSS JOIN keeps SQLite from
// starting at the other end.
const std::string kUnsettled =
    " FROM (SELECT id FROM batch INDEXED BY batch_unsettled"
    " WHERE state = 0 OR (state = 1 AND jobs_done < jobs)) AS open";
const std::string kTheirSheets = kUnsettled + " CROSS JOIN sheet AS s ON s.batch = open.id";
const std::string kTheirJobs = kTheirSheets + " CROSS JOIN job AS j ON j.sheet = s.id";

template <typename Read>
void each(SQLite::Database& database, const std::string& sql, Read read) {
  SQLite::Statement statement(database, sql);
  while (statement.executeStep()) {
    Row row(statement);
    read(row);
  }
}

void load_batches(SQLite::Database& database, core::State& state) {
  const std::string sql = "SELECT " + of("b", kBatchColumns) + ", b.recipe" + kUnsettled +
                          " CROSS JOIN batch AS b ON b.id = open.id";
  each(database, sql, [&](Row& row) {
    core::Batch batch = read_batch(row);
    batch.recipe = read_recipe(row.text(), batch.id);
    state.batches.emplace_hint(state.batches.end(), batch.id, std::move(batch));
  });
}

void load_sheets(SQLite::Database& database, core::State& state) {
  each(database, "SELECT " + of("s", kSheetColumns) + kTheirSheets, [&](Row& row) {
    core::Sheet sheet = read_sheet(row);
    state.sheets.emplace_hint(state.sheets.end(), sheet.id, std::move(sheet));
  });
  const std::string poses = " CROSS JOIN pose AS p ON p.sheet = s.id";
  each(database, "SELECT " + of("p", kPoseColumns) + kTheirSheets + poses, [&](Row& row) {
    const core::Pose pose = read_pose(row);
    state.poses.emplace_hint(state.poses.end(), pose.id, pose);
  });
}

void load_jobs(SQLite::Database& database, core::State& state) {
  each(database, "SELECT " + of("j", kJobColumns) + kTheirJobs, [&](Row& row) {
    core::Job job = read_job(row);
    state.jobs.emplace_hint(state.jobs.end(), job.id, std::move(job));
  });
  const std::string leases = " CROSS JOIN lease AS l ON l.job = j.id WHERE j.state <> " +
                             std::to_string(static_cast<int>(core::JobState::done)) +
                             " AND j.attempts > 0";
  each(database, "SELECT " + of("l", kLeaseColumns) + kTheirJobs + leases, [&](Row& row) {
    const core::Lease lease = read_lease(row);
    state.leases.emplace(lease.job, lease);
  });
}

void load_workers(SQLite::Database& database, core::State& state) {
  each(database, "SELECT " + std::string(kWorkerColumns) + " FROM worker", [&](Row& row) {
    core::Worker worker = read_worker(row);
    state.workers.emplace_hint(state.workers.end(), worker.id, std::move(worker));
  });
}

template <typename AnyId>
AnyId next_of(SQLite::Database& database, const std::string& highest) {
  return {static_cast<std::uint64_t>(database.execAndGet(highest).getInt64()) + 1};
}

core::Counters load_counters(SQLite::Database& database) {
  // Each is one look at the end of a tree; rows are never deleted.
  return {.batch = next_of<BatchId>(database, "SELECT max(id) FROM batch"),
          .sheet = next_of<SheetId>(database, "SELECT max(id) FROM sheet"),
          .pose = next_of<PoseId>(database, "SELECT max(id) FROM pose"),
          .job = next_of<JobId>(database, "SELECT max(id) FROM job"),
          .lease = next_of<LeaseId>(database, "SELECT lease FROM fence"),
          .worker = next_of<WorkerId>(database, "SELECT max(id) FROM worker"),
          .event = next_of<EventId>(database, "SELECT max(id) FROM event")};
}

}  // namespace

core::State load_state(SQLite::Database& database) {
  const SQLite::Transaction snapshot(database);  // read only; ends with this function
  core::State state;
  state.next = load_counters(database);
  load_batches(database, state);
  load_sheets(database, state);
  load_jobs(database, state);
  load_workers(database, state);
  return state;
}

}  // namespace pirouette::store
