#include "coordinator/store/loader.h"

#include <string>
#include <utility>

#include "coordinator/store/rows.h"

namespace pirouette::store {
namespace {

// The batches to read, as a table of ids called "open". CROSS JOIN keeps SQLite from starting at
// the other end. Must be word for word the WHERE of the index batch_unsettled.
const std::string kUnsettled =
    " FROM (SELECT id FROM batch INDEXED BY batch_unsettled"
    " WHERE state = 0 OR sheets_open > 0 OR (state = 1 AND jobs > jobs_done + jobs_cancelled))"
    " AS open";

// The newest that came with a key: as many as the core keeps.
const std::string kSubmissions =
    "SELECT submission_key, id, submission, sheets, jobs FROM batch INDEXED BY batch_submission"
    " WHERE submission_key <> '' ORDER BY id DESC LIMIT 10000";

std::string number(auto id) { return std::to_string(id.value); }

template <typename Read>
void each(SQLite::Database& database, const std::string& sql, Read read) {
  SQLite::Statement statement(database, sql);
  while (statement.executeStep()) {
    Row row(statement);
    read(row);
  }
}

void load_batches(SQLite::Database& database, const std::string& open, core::State& state) {
  const std::string sql = "SELECT " + of("b", kBatchColumns) + ", b.recipe" + open +
                          " CROSS JOIN batch AS b ON b.id = open.id";
  each(database, sql, [&](Row& row) {
    core::Batch batch = read_batch(row);
    batch.recipe = read_recipe(row.text(), batch.id);
    state.batches.emplace_hint(state.batches.end(), batch.id, std::move(batch));
  });
}

void load_sheets(SQLite::Database& database, const std::string& sheets_of, core::State& state) {
  each(database, "SELECT " + of("s", kSheetColumns) + sheets_of, [&](Row& row) {
    core::Sheet sheet = read_sheet(row);
    state.sheets.emplace_hint(state.sheets.end(), sheet.id, std::move(sheet));
  });
  const std::string poses = " CROSS JOIN pose AS p ON p.sheet = s.id";
  each(database, "SELECT " + of("p", kPoseColumns) + sheets_of + poses, [&](Row& row) {
    core::Pose pose = read_pose(row);
    state.poses.emplace_hint(state.poses.end(), pose.id, std::move(pose));
  });
}

void load_jobs(SQLite::Database& database, const std::string& sheets_of, core::State& state) {
  const std::string jobs_of = sheets_of + " CROSS JOIN job AS j ON j.sheet = s.id";
  each(database, "SELECT " + of("j", kJobColumns) + jobs_of, [&](Row& row) {
    core::Job job = read_job(row);
    state.jobs.emplace_hint(state.jobs.end(), job.id, std::move(job));
  });
  const std::string leases = " CROSS JOIN lease AS l ON l.job = j.id WHERE j.state <> " +
                             std::to_string(static_cast<int>(core::JobState::done)) +
                             " AND j.attempts > 0";
  each(database, "SELECT " + of("l", kLeaseColumns) + jobs_of + leases, [&](Row& row) {
    const core::Lease lease = read_lease(row);
    state.leases.emplace(lease.job, lease);
  });
}

// open: which batches.
void load_with_all_theirs(SQLite::Database& database, const std::string& open, core::State& state) {
  const std::string sheets_of = open + " CROSS JOIN sheet AS s ON s.batch = open.id";
  load_batches(database, open, state);
  load_sheets(database, sheets_of, state);
  load_jobs(database, sheets_of, state);
}

void load_submissions(SQLite::Database& database, core::State& state) {
  each(database, kSubmissions, [&](Row& row) {
    std::string key = row.text();
    core::Submission& made = state.submissions[std::move(key)];
    made.batch = row.id<BatchId>();
    made.digest = row.digest();
    made.sheets = row.count();
    made.jobs = row.count();
  });
}

// What owners had of the farm lately, by their newest batches that are settled: as many as matter
// after a night or two.
void load_past_use(SQLite::Database& database, core::State& state) {
  static const std::string kUse =
      "SELECT id, owner, rendered_us, rendered_at FROM batch WHERE rendered_at IS NOT NULL"
      " ORDER BY id DESC LIMIT 1000";
  each(database, kUse, [&](Row& row) {
    const auto id = row.id<BatchId>();
    core::PastUse use;
    use.owner = row.text();
    use.rendered = row.duration();
    use.at = row.instant();
    if (!state.batches.contains(id)) state.past_use.push_back(std::move(use));
  });
}

void load_farm_stopped(SQLite::Database& database, core::State& state) {
  static const std::string kWord =
      "SELECT kind = 'farm.stopped', detail FROM event INDEXED BY event_farm"
      " WHERE kind IN ('farm.stopped', 'farm.resumed') ORDER BY id DESC LIMIT 1";
  each(database, kWord, [&](Row& row) {
    const bool stopped = row.flag();
    std::string why = row.text();
    if (stopped) state.farm_stopped = std::move(why);
  });
}

void load_workers(SQLite::Database& database, core::State& state) {
  each(database, "SELECT " + std::string(kWorkerColumns) + " FROM worker", [&](Row& row) {
    core::Worker worker = read_worker(row);
    state.workers.emplace_hint(state.workers.end(), worker.id, std::move(worker));
  });
}

void load_loras(SQLite::Database& database, core::State& state) {
  each(database, "SELECT " + std::string(kLoraColumns) + " FROM lora", [&](Row& row) {
    core::Lora lora = read_lora(row);
    state.loras.emplace_hint(state.loras.end(), lora.id, std::move(lora));
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
          .lora = next_of<LoraId>(database, "SELECT max(id) FROM lora"),
          .event = next_of<EventId>(database, "SELECT max(id) FROM event")};
}

}  // namespace

core::State load_state(SQLite::Database& database) {
  const SQLite::Transaction snapshot(database);  // read only; ends with this function
  core::State state;
  state.next = load_counters(database);
  load_with_all_theirs(database, kUnsettled, state);
  load_workers(database, state);
  load_loras(database, state);
  load_past_use(database, state);
  load_farm_stopped(database, state);
  load_submissions(database, state);
  return state;
}

core::State load_batch(SQLite::Database& database, const core::Recall& wanted) {
  const SQLite::Transaction snapshot(database);
  std::string which = "SELECT " + std::to_string(wanted.batch.value) + " AS id";
  if (wanted.sheet) which = "SELECT batch AS id FROM sheet WHERE id = " + number(wanted.sheet);
  if (wanted.pose) {
    which = "SELECT s.batch AS id FROM pose AS p JOIN sheet AS s ON s.id = p.sheet WHERE p.id = " +
            number(wanted.pose);
  }
  core::State rows;
  load_with_all_theirs(database, " FROM (" + which + ") AS open", rows);
  return rows;
}

}  // namespace pirouette::store
