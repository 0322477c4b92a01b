#include "coordinator/store/read_model.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "coordinator/store/read_impl.h"

namespace pirouette::store {
namespace {

constexpr std::size_t kRecipesMax = 1024;  // parsed ones kept; some KiB each

const std::string kBatchSelect =
    "SELECT " + of("b", kBatchColumns) +
    ", (SELECT count(*) FROM job INDEXED BY job_leased WHERE batch = b.id AND state = 2),"
    " CASE b.state WHEN 0 THEN (SELECT count(*) FROM job INDEXED BY job_held"
    " WHERE batch = b.id AND state = 0) ELSE 0 END, b.recipe"
    " FROM batch AS b ";

const std::string kSheetSelect = "SELECT " + of("s", kSheetColumns) + " FROM sheet AS s WHERE ";
const std::string kPoseSelect =
    "SELECT " + of("p", kPoseColumns) + ", " + of("l", kJobColumns) + ", lw.name, " +
    of("c", kJobColumns) +
    ", cw.name FROM sheet AS s CROSS JOIN pose AS p ON p.sheet = s.id"
    " CROSS JOIN job AS l ON l.id = p.latest LEFT JOIN worker AS lw ON lw.id = l.worker"
    " LEFT JOIN job AS c ON c.id = p.chosen LEFT JOIN worker AS cw ON cw.id = c.worker WHERE ";
const std::string kSheetOrder = " ORDER BY s.id";
const std::string kPoseOrder = " ORDER BY s.id, p.id";

PoseRow read_pose_row(Row& row) {
  PoseRow pose;
  pose.pose = read_pose(row);
  pose.latest = read_job(row);
  pose.latest_worker = row.text();
  if (row.next_is_null()) {
    row.skip(kJobColumns);
  } else {
    pose.chosen = read_job(row);
  }
  pose.chosen_worker = row.text();
  return pose;
}

// By what the batch was charged with, so that no job is read for it: the list of batches is read
// again and again while all of them are rendered.
std::optional<Duration> mean_of(const core::Batch& batch) {
  const std::int64_t ended = std::int64_t{batch.jobs_done} + batch.jobs_failed;
  if (batch.state != core::BatchState::running || batch.jobs_done == 0) return std::nullopt;
  if (batch.rendered <= Duration{}) return std::nullopt;
  return Duration{batch.rendered.us / ended};
}

}  // namespace

std::shared_ptr<const Recipe> ReadModel::Impl::recipe(BatchId batch, std::string_view json) {
  {
    const std::lock_guard lock(recipes_mutex_);
    const auto found = recipes_.find(batch);
    if (found != recipes_.end()) return found->second;
  }
  std::shared_ptr<const Recipe> recipe = read_recipe(json, batch);
  const std::lock_guard lock(recipes_mutex_);
  // The oldest batches are looked at least.
  if (recipes_.size() >= kRecipesMax) recipes_.erase(recipes_.begin());
  recipes_[batch] = recipe;
  return recipe;
}

BatchRow ReadModel::Impl::read_batch_row(Row& row) {
  BatchRow batch;
  batch.batch = read_batch(row);
  batch.jobs_running = row.count();
  batch.jobs_held = row.count();
  batch.job_mean = mean_of(batch.batch);
  batch.batch.recipe = recipe(batch.batch.id, row.text());
  return batch;
}

Result<BatchRow> ReadModel::Impl::batch(Reader& reader, BatchId id) {
  static const std::string kSql = kBatchSelect + "WHERE b.id = ?";
  SQLite::Statement& statement = reader.statement(kSql);
  statement.bind(1, as_key(id.value));
  if (!statement.executeStep()) {
    return Error{Errc::not_found, "there is no batch " + std::to_string(id.value)};
  }
  Row row(statement);
  return read_batch_row(row);
}

Result<SheetPage> ReadModel::Impl::sheets(Reader& reader, BatchId batch, SheetId after,
                                          std::int64_t limit) {
  static const std::string kSheets =
      kSheetSelect + "s.batch = ? AND s.id > ?" + kSheetOrder + " LIMIT ?";
  static const std::string kPoses =
      kPoseSelect + "s.batch = ? AND s.id > ? AND s.id <= ?" + kPoseOrder;
  SheetPage page;
  page.batch = TRY(this->batch(reader, batch)).batch;
  SQLite::Statement& sheets = reader.statement(kSheets);
  sheets.bind(1, as_key(batch.value));
  sheets.bind(2, as_key(after.value));
  sheets.bind(3, limit);
  each(sheets, [&](Row& row) { page.sheets.push_back({read_sheet(row), {}}); });
  if (page.sheets.empty()) return page;

  SQLite::Statement& poses = reader.statement(kPoses);
  poses.bind(1, as_key(batch.value));
  poses.bind(2, as_key(after.value));
  poses.bind(3, as_key(page.sheets.back().sheet.id.value));
  auto sheet = page.sheets.begin();
  each(poses, [&](Row& row) {
    PoseRow pose = read_pose_row(row);
    while (sheet != page.sheets.end() && sheet->sheet.id < pose.pose.sheet) ++sheet;
    if (sheet == page.sheets.end() || sheet->sheet.id != pose.pose.sheet) {
      throw CorruptRow("pose " + std::to_string(pose.pose.id.value) + " belongs to no sheet");
    }
    sheet->poses.push_back(std::move(pose));
  });
  return page;
}

void ReadModel::Impl::add_poses(Reader& reader, std::vector<ListedSheet>& sheets) {
  static const std::string kPoses =
      kPoseSelect + "s.id IN (SELECT value FROM json_each(?))" + kPoseOrder;
  std::string ids = "[";
  std::map<SheetId, SheetRow*> by_id;
  for (ListedSheet& sheet : sheets) {
    const SheetId id = sheet.row.sheet.id;
    ids += (by_id.empty() ? "" : ",") + std::to_string(id.value);
    by_id[id] = &sheet.row;
  }
  SQLite::Statement& poses = reader.statement(kPoses);
  poses.bind(1, ids + "]");
  each(poses, [&](Row& row) {
    PoseRow pose = read_pose_row(row);
    const auto owner = by_id.find(pose.pose.sheet);
    if (owner != by_id.end()) owner->second->poses.push_back(std::move(pose));
  });
}

Result<SheetPage> ReadModel::Impl::sheet(Reader& reader, SheetId id) {
  SQLite::Statement& owner = reader.statement("SELECT batch FROM sheet WHERE id = ?");
  owner.bind(1, as_key(id.value));
  if (!owner.executeStep()) {
    return Error{Errc::not_found, "there is no sheet " + std::to_string(id.value)};
  }
  const BatchId batch{static_cast<std::uint64_t>(owner.getColumn(0).getInt64())};
  return sheets(reader, batch, {id.value - 1}, 1);
}

std::vector<WorkerRow> ReadModel::Impl::workers_alone(Reader& reader, WorkerId after,
                                                      std::size_t limit) {
  static const std::string kWorkers =
      "SELECT " + std::string(kWorkerColumns) + " FROM worker WHERE id > ? ORDER BY id LIMIT ?";
  SQLite::Statement& workers = reader.statement(kWorkers);
  workers.bind(1, as_key(after.value));
  workers.bind(2, as_key(limit));
  std::vector<WorkerRow> page;
  each(workers, [&](Row& row) { page.push_back({read_worker(row), {}}); });
  return page;
}

Result<std::vector<WorkerRow>> ReadModel::Impl::workers(Reader& reader, WorkerId after,
                                                        std::size_t limit) {
  // Of all that runs just now, the page's: the index tells whose each is.
  static const std::string kLeased =
      "SELECT " + of("j", kJobColumns) +
      ", s.character, p.view, b.recipe FROM job AS j INDEXED BY job_leased"
      " CROSS JOIN sheet AS s ON s.id = j.sheet CROSS JOIN pose AS p ON p.id = j.pose"
      " CROSS JOIN batch AS b ON b.id = j.batch WHERE j.state = 2 AND j.worker BETWEEN ? AND ?";
  std::vector<WorkerRow> page = workers_alone(reader, after, limit);
  if (page.empty()) return page;
  SQLite::Statement& leases = reader.statement(kLeased);
  leases.bind(1, as_key(page.front().worker.id.value));
  leases.bind(2, as_key(page.back().worker.id.value));
  each(leases, [&](Row& row) {
    LeasedRow leased;
    leased.job = read_job(row);
    leased.character = row.text();
    leased.view = row.count();
    const auto holder = std::ranges::find(page, leased.job.worker,
                                          [](const WorkerRow& of) { return of.worker.id; });
    if (holder == page.end()) return;  // on another page
    const auto recipe = this->recipe(leased.job.batch, row.text());
    if (leased.view >= recipe->views.size()) {
      throw CorruptRow("pose " + std::to_string(leased.job.pose.value) +
                       " shows a view that its recipe does not have");
    }
    leased.view_id = recipe->views[leased.view].id;
    holder->leases.push_back(std::move(leased));
  });
  for (WorkerRow& row : page) {
    std::ranges::sort(row.leases, {}, [](const LeasedRow& of) { return of.job.lease; });
  }
  return page;
}

ReadModel::ReadModel(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ReadModel::~ReadModel() = default;

Result<std::unique_ptr<ReadModel>> ReadModel::open(const std::filesystem::path& path) {
  std::unique_ptr<ReadModel> model(new ReadModel(std::make_unique<Impl>(path)));
  TRY(model->last_event());  // it can be opened, and has the ledger
  return model;
}

Result<std::vector<BatchRow>> ReadModel::batches(BatchId before, std::size_t limit) const {
  static const std::string kSql = kBatchSelect + "WHERE b.id < ? ORDER BY b.id DESC LIMIT ?";
  return impl_->read([&](Reader& reader) -> Result<std::vector<BatchRow>> {
    SQLite::Statement& statement = reader.statement(kSql);
    statement.bind(1, before_key(before));
    statement.bind(2, as_key(limit));
    std::vector<BatchRow> page;
    each(statement, [&](Row& row) { page.push_back(impl_->read_batch_row(row)); });
    return page;
  });
}

Result<std::vector<BatchRow>> ReadModel::running_batches(std::size_t limit) const {
  static const std::string kSql =
      kBatchSelect +
      "INDEXED BY batch_open WHERE (b.state = 0 OR b.sheets_open > 0)"
      " ORDER BY b.idle_only, b.priority DESC, coalesce(b.deadline, 9223372036854775807), b.id"
      " LIMIT ?";
  return impl_->read([&](Reader& reader) -> Result<std::vector<BatchRow>> {
    SQLite::Statement& statement = reader.statement(kSql);
    statement.bind(1, as_key(limit));
    std::vector<BatchRow> first;
    each(statement, [&](Row& row) { first.push_back(impl_->read_batch_row(row)); });
    return first;
  });
}

Result<BatchRow> ReadModel::batch(BatchId id) const {
  return impl_->read([&](Reader& reader) -> Result<BatchRow> { return impl_->batch(reader, id); });
}

Result<SheetPage> ReadModel::sheets(BatchId batch, SheetId after, std::size_t limit) const {
  return impl_->read(
      [&](Reader& reader) { return impl_->sheets(reader, batch, after, as_key(limit)); });
}

Result<SheetPage> ReadModel::sheet(SheetId id) const {
  return impl_->read([&](Reader& reader) { return impl_->sheet(reader, id); });
}

Result<DeliveryRows> ReadModel::delivery(BatchId id) const {
  static const std::string kTakes =
      "SELECT " + of("j", kJobColumns) +
      ", w.name FROM sheet AS s CROSS JOIN job AS j ON j.sheet = s.id"
      " LEFT JOIN worker AS w ON w.id = j.worker WHERE s.batch = ? ORDER BY j.id";
  return impl_->read([&](Reader& reader) -> Result<DeliveryRows> {
    DeliveryRows rows{TRY(impl_->sheets(reader, id, {}, -1)), {}};
    SQLite::Statement& takes = reader.statement(kTakes);
    takes.bind(1, as_key(id.value));
    each(takes, [&](Row& row) {
      TakeRow take{read_job(row), {}};
      take.worker = row.text();
      const PoseId pose = take.job.pose;
      rows.takes[pose].push_back(std::move(take));
    });
    return rows;
  });
}

Result<std::vector<SheetVersion>> ReadModel::versions(SheetId id) const {
  return impl_->read([&](Reader& reader) -> Result<std::vector<SheetVersion>> {
    SQLite::Statement& statement = reader.statement(
        "SELECT version, picture, thumbnail FROM sheet_version WHERE sheet = ? ORDER BY version");
    statement.bind(1, as_key(id.value));
    std::vector<SheetVersion> versions;
    each(statement, [&](Row& row) { versions.push_back(read_version(row)); });
    return versions;
  });
}

Result<SheetPage> ReadModel::sheet_of(PoseId id) const {
  return impl_->read([&](Reader& reader) -> Result<SheetPage> {
    SQLite::Statement& owner = reader.statement("SELECT sheet FROM pose WHERE id = ?");
    owner.bind(1, as_key(id.value));
    if (!owner.executeStep()) {
      return Error{Errc::not_found, "there is no pose " + std::to_string(id.value)};
    }
    return impl_->sheet(reader, {static_cast<std::uint64_t>(owner.getColumn(0).getInt64())});
  });
}

Result<std::vector<core::Job>> ReadModel::takes(SheetId id) const {
  static const std::string kSql =
      "SELECT " + std::string(kJobColumns) + " FROM job WHERE sheet = ? ORDER BY id";
  return impl_->read([&](Reader& reader) -> Result<std::vector<core::Job>> {
    SQLite::Statement& statement = reader.statement(kSql);
    statement.bind(1, as_key(id.value));
    std::vector<core::Job> takes;
    each(statement, [&](Row& row) { takes.push_back(read_job(row)); });
    return takes;
  });
}

Result<std::vector<WorkerRow>> ReadModel::workers(WorkerId after, std::size_t limit) const {
  return impl_->read([&](Reader& reader) { return impl_->workers(reader, after, limit); });
}

Result<std::vector<WorkerRow>> ReadModel::workers_alone(WorkerId after, std::size_t limit) const {
  return impl_->read([&](Reader& reader) -> Result<std::vector<WorkerRow>> {
    return impl_->workers_alone(reader, after, limit);
  });
}

Result<WorkerRow> ReadModel::worker(WorkerId id) const {
  return impl_->read([&](Reader& reader) -> Result<WorkerRow> {
    auto rows = TRY(impl_->workers(reader, {id.value - 1}, 1));
    if (rows.empty() || rows.front().worker.id != id) {
      return Error{Errc::not_found, "there is no worker " + std::to_string(id.value)};
    }
    return std::move(rows.front());
  });
}

Result<std::vector<core::LedgerRow>> ReadModel::events(EventId after, std::size_t limit) const {
  static const std::string kSql =
      "SELECT " + std::string(kEventColumns) + " FROM event WHERE id > ? ORDER BY id LIMIT ?";
  return impl_->read([&](Reader& reader) -> Result<std::vector<core::LedgerRow>> {
    SQLite::Statement& statement = reader.statement(kSql);
    statement.bind(1, as_key(after.value));
    statement.bind(2, as_key(limit));
    std::vector<core::LedgerRow> rows;
    each(statement, [&](Row& row) { rows.push_back(read_event(row)); });
    return rows;
  });
}

Result<EventId> ReadModel::last_event() const {
  return impl_->read([&](Reader& reader) -> Result<EventId> {
    SQLite::Statement& statement = reader.statement("SELECT max(id) FROM event");
    statement.executeStep();
    return EventId{static_cast<std::uint64_t>(statement.getColumn(0).getInt64())};
  });
}

Result<Counts> ReadModel::counts() const {
  // A batch counts its own jobs, so no job is looked at but those that run.
  static const std::string kBatches =
      "SELECT count(*), coalesce(sum(state = 0), 0), coalesce(sum(jobs), 0), "
      "coalesce(sum(jobs_done), 0), coalesce(sum(jobs_failed), 0), "
      "coalesce(sum((jobs - jobs_done - jobs_failed - jobs_cancelled) * (state = 0)), 0) FROM "
      "batch";
  static const std::string kRunning =
      "SELECT count(*) FROM job INDEXED BY job_leased WHERE state = 2";
  static const std::string kWorkers =
      "SELECT count(*), coalesce(sum(state IN (0, 1)), 0) FROM worker";
  return impl_->read([&](Reader& reader) -> Result<Counts> {
    Counts counts;
    std::uint64_t open = 0;
    each(reader.statement(kBatches), [&](Row& row) {
      counts.batches = row.bits();
      counts.batches_running = row.bits();
      counts.jobs = row.bits();
      counts.done = row.bits();
      counts.failed = row.bits();
      open = row.bits();
    });
    each(reader.statement(kRunning), [&](Row& row) { counts.running = row.bits(); });
    each(reader.statement(kWorkers), [&](Row& row) {
      counts.workers = row.bits();
      counts.workers_online = row.bits();
    });
    counts.queued = open - std::min(open, counts.running);
    return counts;
  });
}

std::uint64_t ReadModel::wal_bytes() const {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(impl_->wal_path(), error);
  return error ? 0 : bytes;  // no file: nothing was written since the last checkpoint
}

}  // namespace pirouette::store
