#include "coordinator/store/rows.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "coordinator/store/connection.h"

namespace pirouette::store {

std::string of(std::string_view alias, std::string_view columns) {
  std::string list;
  while (true) {
    const std::size_t comma = columns.find(", ");
    list.append(alias).append(".").append(columns.substr(0, comma));
    if (comma == std::string_view::npos) return list;
    list.append(", ");
    columns.remove_prefix(comma + 2);
  }
}

void Row::refuse(std::string_view what) const {
  throw CorruptRow("column " + std::string(statement_.getColumnName(column_ - 1)) + " of " +
                   statement_.getQuery() + " does not hold " + std::string(what));
}

void Row::skip(std::string_view columns) {
  column_ += 1 + static_cast<int>(std::count(columns.begin(), columns.end(), ','));
}

std::int64_t Row::integer() { return statement_.getColumn(column_++).getInt64(); }

std::uint64_t Row::bits() { return static_cast<std::uint64_t>(integer()); }

std::uint32_t Row::count() {
  const std::int64_t number = integer();
  if (number < 0 || number > UINT32_MAX) refuse("a count");
  return static_cast<std::uint32_t>(number);
}

std::string Row::text() { return statement_.getColumn(column_++).getString(); }

Digest Row::digest() {
  Digest digest;
  const SQLite::Column column = statement_.getColumn(column_++);
  if (column.isNull()) return digest;
  if (column.getBytes() != static_cast<int>(digest.bytes.size())) refuse("a digest");
  std::memcpy(digest.bytes.data(), column.getBlob(), digest.bytes.size());
  return digest;
}

std::optional<Instant> Row::optional_instant() {
  if (next_is_null()) return ++column_, std::nullopt;
  return instant();
}

std::optional<std::uint64_t> Row::optional_bits() {
  if (next_is_null()) return ++column_, std::nullopt;
  return bits();
}

std::optional<int> Row::optional_int() {
  if (next_is_null()) return ++column_, std::nullopt;
  return static_cast<int>(integer());
}

std::vector<std::string> Row::texts() {
  const auto json = nlohmann::json::parse(text(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) refuse("a JSON array");
  std::vector<std::string> texts;
  for (const auto& element : json) {
    if (!element.is_string()) refuse("a JSON array of texts");
    texts.push_back(element.get<std::string>());
  }
  return texts;
}

core::Batch read_batch(Row& row) {
  return {.id = row.id<BatchId>(),
          .name = row.text(),
          .owner = row.text(),
          .priority = static_cast<int>(row.integer()),
          .deadline = row.optional_instant(),
          .recipe = nullptr,
          .state = row.state(core::BatchState::cancelled),
          .paused = row.flag(),
          .idle_only = row.flag(),
          .submitted_at = row.instant(),
          .finished_at = row.optional_instant(),
          .sheets = row.count(),
          .sheets_open = row.count(),
          .jobs = row.count(),
          .jobs_done = row.count(),
          .jobs_failed = row.count(),
          .jobs_cancelled = row.count(),
          .submission_key = row.text(),
          .submission = row.digest(),
          .rendered = row.duration(),
          .rendered_at = row.optional_instant(),
          .ready_p50 = row.optional_instant(),
          .ready_p90 = row.optional_instant(),
          .at_risk = row.flag()};
}

core::Sheet read_sheet(Row& row) {
  return {.id = row.id<SheetId>(),
          .batch = row.id<BatchId>(),
          .index = row.count(),
          .character = row.text(),
          .notes = row.text(),
          .reference = row.digest(),
          .original = row.digest(),
          .seed = row.optional_bits(),
          .priority = row.optional_int(),
          .state = row.state(core::SheetState::cancelled),
          .first_pose = row.id<PoseId>(),
          .poses = row.count(),
          .version = row.count(),
          .picture = row.digest(),
          .thumbnail = row.digest(),
          .checks = row.text(),
          .proof = row.state(core::Proof::passed)};
}

core::Pose read_pose(Row& row) {
  return {.id = row.id<PoseId>(),
          .sheet = row.id<SheetId>(),
          .view = row.count(),
          .latest = row.id<JobId>(),
          .chosen = row.id<JobId>(),
          .review = row.state(core::Review::rejected),
          .review_note = row.text()};
}

core::Job read_job(Row& row) {
  return {.id = row.id<JobId>(),
          .pose = row.id<PoseId>(),
          .sheet = row.id<SheetId>(),
          .batch = row.id<BatchId>(),
          .take = row.count(),
          .seed = row.bits(),
          .correction = row.text(),
          .state = row.state(core::JobState::cancelled),
          .attempts = row.count(),
          .failures = row.count(),
          .losses = row.count(),
          .lease = row.id<LeaseId>(),
          .worker = row.id<WorkerId>(),
          .queued_at = row.optional_instant(),
          .leased_at = row.optional_instant(),
          .ended_at = row.optional_instant(),
          .result = row.digest(),
          .metrics = row.text(),
          .error = row.text()};
}

core::Lease read_lease(Row& row) {
  return {.id = row.id<LeaseId>(),
          .job = row.id<JobId>(),
          .worker = row.id<WorkerId>(),
          .attempt = row.count(),
          .leased_at = row.instant()};
}

core::Worker read_worker(Row& row) {
  return {.id = row.id<WorkerId>(),
          .name = row.text(),
          .state = row.state(core::WorkerState::gone),
          .device_kind = row.text(),
          .device_name = row.text(),
          .memory_bytes = row.bits(),
          .engine_build = row.text(),
          .capacity = row.count(),
          .models = row.texts(),
          .loras = row.texts(),
          .lora_cache_bytes = row.bits(),
          .tags = row.texts(),
          .quarantine = row.text(),
          .residency = row.text(),
          .joined_at = row.instant(),
          .heard_at = row.instant(),
          .jobs_done = row.bits(),
          .jobs_failed = row.bits()};
}

core::Lora read_lora(Row& row) {
  return {.id = row.id<LoraId>(),
          .name = row.text(),
          .sha256 = row.digest(),
          .bytes = row.bits(),
          .trigger = row.text(),
          .added_at = row.instant(),
          .added_by = row.text(),
          .retired_at = row.optional_instant()};
}

core::LedgerRow read_event(Row& row) {
  return {.id = row.id<EventId>(),
          .at = row.instant(),
          .kind = row.text(),
          .batch = row.id<BatchId>(),
          .sheet = row.id<SheetId>(),
          .pose = row.id<PoseId>(),
          .job = row.id<JobId>(),
          .lease = row.id<LeaseId>(),
          .worker = row.id<WorkerId>(),
          .detail = row.text()};
}

std::shared_ptr<const Recipe> read_recipe(std::string_view json, BatchId batch) {
  Result<Recipe> recipe = parse_recipe(json);
  if (!recipe.ok()) {
    throw CorruptRow("the recipe of batch " + std::to_string(batch.value) +
                     " cannot be read: " + recipe.error().what);
  }
  return std::make_shared<const Recipe>(std::move(recipe).value());
}

}  // namespace pirouette::store
