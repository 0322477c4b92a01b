#pragma once
// Rows of the tables as the structs of coordinator/core/state.h. Each table has its columns in one
// list, and a reader that takes them in that order. What a row says is checked, not believed.
// Throws CorruptRow (connection.h).

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/time.h"
#include "coordinator/core/state.h"

namespace pirouette::store {

// The recipe apart: parsing it costs.
inline constexpr std::string_view kBatchColumns =
    "id, name, owner, priority, deadline, state, paused, idle_only, submitted_at, finished_at, "
    "sheets, sheets_open, jobs, jobs_done, jobs_failed, jobs_cancelled, submission_key, "
    "submission, rendered_us, rendered_at, ready_p50, ready_p90, at_risk";
inline constexpr std::string_view kSheetColumns =
    "id, batch, position, character, notes, reference, original, seed, priority, state, "
    "first_pose, "
    "poses, version, picture, thumbnail, checks, proof";
inline constexpr std::string_view kPoseColumns =
    "id, sheet, view, latest, chosen, review, review_note";
inline constexpr std::string_view kJobColumns =
    "id, pose, sheet, batch, take, seed, correction, state, attempts, failures, losses, lease, "
    "worker, queued_at, leased_at, ended_at, result, metrics, error";
inline constexpr std::string_view kLeaseColumns = "id, job, worker, attempt, leased_at";
inline constexpr std::string_view kWorkerColumns =
    "id, name, state, device_kind, device_name, memory_bytes, engine_build, capacity, models, "
    "loras, lora_cache_bytes, tags, quarantine, residency, joined_at, heard_at, jobs_done, "
    "jobs_failed";
inline constexpr std::string_view kLoraColumns =
    "id, name, sha256, bytes, trigger_words, added_at, added_by, retired_at";
inline constexpr std::string_view kEventColumns =
    "id, at, kind, batch, sheet, pose, job, lease, worker, detail";

// "id, name" of alias "b": "b.id, b.name".
std::string of(std::string_view alias, std::string_view columns);

// Takes the columns of a statement's current row one after another.
class Row {
 public:
  explicit Row(SQLite::Statement& statement) : statement_(statement) {}

  bool next_is_null() const { return statement_.isColumnNull(column_); }
  void skip(std::string_view columns);

  std::int64_t integer();
  std::uint64_t bits();   // a number up to 2^64 - 1, kept as the signed one of the same bits
  std::uint32_t count();  // 0 to 2^32 - 1
  std::string text();
  Digest digest();  // NULL: none
  Instant instant() { return {integer()}; }
  Duration duration() { return {integer()}; }
  std::optional<Instant> optional_instant();
  std::optional<std::uint64_t> optional_bits();
  std::optional<int> optional_int();
  bool flag() { return integer() != 0; }
  std::vector<std::string> texts();  // a JSON array of strings

  template <typename AnyId>
  AnyId id() {  // NULL: none
    return next_is_null() ? (++column_, AnyId{}) : AnyId{bits()};
  }
  template <typename Enum>
  Enum state(Enum last) {
    const std::int64_t number = integer();
    if (number < 0 || number > static_cast<std::int64_t>(last)) refuse("a state");
    return static_cast<Enum>(number);
  }

 private:
  [[noreturn]] void refuse(std::string_view what) const;
  SQLite::Statement& statement_;
  int column_ = 0;
};

core::Batch read_batch(Row& row);  // without its recipe
core::Sheet read_sheet(Row& row);
core::Pose read_pose(Row& row);
core::Job read_job(Row& row);
core::Lease read_lease(Row& row);
core::Worker read_worker(Row& row);
core::Lora read_lora(Row& row);
core::LedgerRow read_event(Row& row);

std::shared_ptr<const Recipe> read_recipe(std::string_view json, BatchId batch);

}  // namespace pirouette::store
