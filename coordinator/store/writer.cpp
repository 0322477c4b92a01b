#include "coordinator/store/writer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>

#include "coordinator/store/rows.h"

namespace pirouette::store {
namespace {

// The recipe is written once, with its batch: it has no place among the columns that are read
// often.
const std::string kBatchInserted = std::string(kBatchColumns) + ", recipe";

// Columns that may change once the row is there. The order is that of the bindings below.
constexpr std::string_view kBatchChanging =
    "priority, deadline, state, paused, finished_at, sheets_open, jobs, jobs_done, jobs_failed, "
    "jobs_cancelled, rendered_us, rendered_at, ready_p50, ready_p90, at_risk";
constexpr std::string_view kSheetChanging = "state, version, picture, thumbnail, checks, proof";
constexpr std::string_view kPoseChanging = "latest, chosen, review, review_note";
constexpr std::string_view kJobChanging =
    "state, attempts, failures, losses, lease, worker, queued_at, leased_at, ended_at, result, "
    "metrics, error";
constexpr std::string_view kWorkerChanging =
    "state, device_kind, device_name, memory_bytes, engine_build, capacity, models, loras, "
    "lora_cache_bytes, tags, quarantine, residency, joined_at, heard_at, jobs_done, jobs_failed";
constexpr std::string_view kLoraChanging = "trigger_words, retired_at";

std::string placeholders(std::string_view columns) {
  std::string list = "?";
  for (auto n = std::count(columns.begin(), columns.end(), ','); n > 0; --n) list += ", ?";
  return list;
}

std::string insert_into(std::string_view table, std::string_view columns) {
  return "INSERT INTO " + std::string(table) + " (" + std::string(columns) + ") VALUES (" +
         placeholders(columns) + ")";
}

void bind_one(SQLite::Statement& statement, int index, const std::string& text) {
  statement.bindNoCopy(index, text);  // lives until the statement has run: see run()
}

void bind_one(SQLite::Statement& statement, int index, Instant instant) {
  statement.bind(index, instant.us);
}

void bind_one(SQLite::Statement& statement, int index, const Digest& digest) {
  if (!digest) return statement.bind(index);
  statement.bindNoCopy(index, digest.bytes.data(), static_cast<int>(digest.bytes.size()));
}

template <typename Tag>
void bind_one(SQLite::Statement& statement, int index, Id<Tag> id) {
  if (!id) return statement.bind(index);
  statement.bind(index, static_cast<std::int64_t>(id.value));
}

template <typename Number>
requires std::is_integral_v<Number> || std::is_enum_v<Number>
void bind_one(SQLite::Statement& statement, int index, Number number) {
  statement.bind(index, static_cast<std::int64_t>(number));
}

template <typename Value>
void bind_one(SQLite::Statement& statement, int index, const std::optional<Value>& value) {
  if (!value) return statement.bind(index);
  bind_one(statement, index, *value);
}

// Runs a statement with these values, in the order of its question marks. Returns the number of
// rows it changed.
template <typename... Values>
int run(SQLite::Statement& statement, const Values&... values) {
  int index = 0;
  (bind_one(statement, ++index, values), ...);
  const int changed = statement.exec();
  statement.reset();
  return changed;
}

// What workers say may not be UTF-8: what is not is replaced.
std::string to_json_array(const std::vector<std::string>& texts) {
  return nlohmann::json(texts).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::uint64_t newest_id(SQLite::Database& database, std::string_view table) {
  const auto highest = database.execAndGet("SELECT max(id) FROM " + std::string(table));
  return highest.isNull() ? 0 : static_cast<std::uint64_t>(highest.getInt64());
}

}  // namespace

Writer::Table::Table(SQLite::Database& database, std::string_view name, std::string_view columns,
                     std::string_view changing)
    : update(database, "UPDATE " + std::string(name) + " SET (" + std::string(changing) + ") = (" +
                           placeholders(changing) + ") WHERE id = ?"),
      insert(database, insert_into(name, columns)),
      newest(newest_id(database, name)) {}

bool Writer::Table::may_have(std::uint64_t id) {
  if (id <= newest) return true;
  newest = id;
  return false;
}

Writer::Writer(SQLite::Database& database)
    : batch_(database, "batch", kBatchInserted, kBatchChanging),
      sheet_(database, "sheet", kSheetColumns, kSheetChanging),
      pose_(database, "pose", kPoseColumns, kPoseChanging),
      job_(database, "job", kJobColumns, kJobChanging),
      worker_(database, "worker", kWorkerColumns, kWorkerChanging),
      lora_(database, "lora", kLoraColumns, kLoraChanging),
      put_lease_(database, insert_into("lease", kLeaseColumns) +
                               " ON CONFLICT (job, id) DO UPDATE SET worker = excluded.worker, "
                               "attempt = excluded.attempt, leased_at = excluded.leased_at"),
      keep_version_(database,
                    insert_into("sheet_version", "sheet, version, picture, thumbnail, checks") +
                        " ON CONFLICT (sheet, version) DO NOTHING"),
      append_event_(database, insert_into("event", kEventColumns)),
      raise_fence_(database, "UPDATE fence SET lease = max(lease, ?)") {}

void Writer::put(const core::Write& write) {
  std::visit([this](const auto& put) { put_row(put); }, write);
}

void Writer::raise_fence(LeaseId lease) { run(raise_fence_, lease); }

void Writer::put_row(const core::PutBatch& put) {
  const core::Batch& row = put.row;
  if (batch_.may_have(row.id.value) &&
      run(batch_.update, row.priority, row.deadline, row.state, row.paused, row.finished_at,
          row.sheets_open, row.jobs, row.jobs_done, row.jobs_failed, row.jobs_cancelled,
          row.rendered.us, row.rendered_at, row.ready_p50, row.ready_p90, row.at_risk,
          row.id) > 0) {
    return;
  }
  PIROUETTE_CHECK(row.recipe);
  run(batch_.insert, row.id, row.name, row.owner, row.priority, row.deadline, row.state, row.paused,
      row.idle_only, row.submitted_at, row.finished_at, row.sheets, row.sheets_open, row.jobs,
      row.jobs_done, row.jobs_failed, row.jobs_cancelled, row.submission_key, row.submission,
      row.rendered.us, row.rendered_at, row.ready_p50, row.ready_p90, row.at_risk,
      to_json(*row.recipe));
}

void Writer::put_row(const core::PutSheet& put) {
  const core::Sheet& row = put.row;
  if (!sheet_.may_have(row.id.value) || run(sheet_.update, row.state, row.version, row.picture,
                                            row.thumbnail, row.checks, row.proof, row.id) == 0) {
    run(sheet_.insert, row.id, row.batch, row.index, row.character, row.notes, row.reference,
        row.original, row.seed, row.priority, row.state, row.first_pose, row.poses, row.version,
        row.picture, row.thumbnail, row.checks, row.proof);
  }
  if (!row.picture) return;
  run(keep_version_, row.id, row.version, row.picture, row.thumbnail, row.checks);
}

void Writer::put_row(const core::PutPose& put) {
  const core::Pose& row = put.row;
  if (pose_.may_have(row.id.value) &&
      run(pose_.update, row.latest, row.chosen, row.review, row.review_note, row.id) > 0) {
    return;
  }
  run(pose_.insert, row.id, row.sheet, row.view, row.latest, row.chosen, row.review,
      row.review_note);
}

void Writer::put_row(const core::PutJob& put) {
  const core::Job& row = put.row;
  if (job_.may_have(row.id.value) &&
      run(job_.update, row.state, row.attempts, row.failures, row.losses, row.lease, row.worker,
          row.queued_at, row.leased_at, row.ended_at, row.result, row.metrics, row.error,
          row.id) > 0) {
    return;
  }
  run(job_.insert, row.id, row.pose, row.sheet, row.batch, row.take, row.seed, row.correction,
      row.state, row.attempts, row.failures, row.losses, row.lease, row.worker, row.queued_at,
      row.leased_at, row.ended_at, row.result, row.metrics, row.error);
}

void Writer::put_row(const core::PutLease& put) {
  const core::Lease& row = put.row;
  run(put_lease_, row.id, row.job, row.worker, row.attempt, row.leased_at);
}

void Writer::put_row(const core::PutWorker& put) {
  const core::Worker& row = put.row;
  const std::string models = to_json_array(row.models), loras = to_json_array(row.loras),
                    tags = to_json_array(row.tags);
  if (worker_.may_have(row.id.value) &&
      run(worker_.update, row.state, row.device_kind, row.device_name, row.memory_bytes,
          row.engine_build, row.capacity, models, loras, row.lora_cache_bytes, tags, row.quarantine,
          row.residency, row.joined_at, row.heard_at, row.jobs_done, row.jobs_failed, row.id) > 0) {
    return;
  }
  run(worker_.insert, row.id, row.name, row.state, row.device_kind, row.device_name,
      row.memory_bytes, row.engine_build, row.capacity, models, loras, row.lora_cache_bytes, tags,
      row.quarantine, row.residency, row.joined_at, row.heard_at, row.jobs_done, row.jobs_failed);
}

void Writer::put_row(const core::PutLora& put) {
  const core::Lora& row = put.row;
  if (lora_.may_have(row.id.value) && run(lora_.update, row.trigger, row.retired_at, row.id) > 0)
    return;
  run(lora_.insert, row.id, row.name, row.sha256, row.bytes, row.trigger, row.added_at,
      row.added_by, row.retired_at);
}

void Writer::put_row(const core::AppendEvent& append) {
  const core::LedgerRow& row = append.row;
  run(append_event_, row.id, row.at, row.kind, row.batch, row.sheet, row.pose, row.job, row.lease,
      row.worker, row.detail);
}

}  // namespace pirouette::store
