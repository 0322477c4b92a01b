#include "coordinator/store/store.h"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/log.h"
#include "coordinator/store/connection.h"
#include "coordinator/store/database_lock.h"
#include "coordinator/store/loader.h"
#include "coordinator/store/migrate.h"
#include "coordinator/store/writer.h"
#include "db/migrations.h"

namespace pirouette::store {
namespace {

// A checkpoint copies each page once, however often it changed, and holds up the commit it follows:
// rarely is cheap, but the log must fit the disk and be read again at a start.
constexpr std::uint64_t kCheckpointBytes = 32ull << 20;
// The log's length before it is needed: what it reaches at a checkpoint, and a long commit beyond.
constexpr std::int64_t kLogBytes = 40ll << 20;
constexpr int kLogPieceBytes = 64 << 10;  // SQLite's files take no write of 128 KiB or more
// Readers that never pause can keep the log from starting anew. Past this it is said, once.
constexpr std::uint64_t kWalWarnBytes = 1ull << 30;

// One row among all tables: the kind of write in the low bits of its id.
template <typename Put>
std::uint64_t row_key(const Put& put, std::size_t kind) {
  static_assert(std::variant_size_v<core::Write> <= 8);
  return put.row.id.value << 3 | kind;
}

// 29 bits: with the 32 of an epoch's leases and the 3 of row_key they fill a word. None is 0, which
// was every farm's epoch before there were any.
constexpr std::uint64_t kEpochMax = (1ull << 29) - 1;

// A farm that never gave a lease draws its epoch: see core::epoch_of.
void draw_epoch(SQLite::Database& database) {
  std::random_device device;
  const std::uint64_t epoch = std::uniform_int_distribution<std::uint64_t>(1, kEpochMax)(device);
  SQLite::Statement draw(database, "UPDATE fence SET lease = ? WHERE lease = 0");
  draw.bind(1, static_cast<std::int64_t>(epoch << core::kLeaseEpochShift));
  draw.exec();
}

// A process that was killed between writing a commit and syncing it leaves a commit that is read
// back, and told of, as any other: it must not be lost to a power cut after that.
void sync_log(SQLite::Database& database) {
  sqlite3_file* log = nullptr;
  sqlite3_file_control(database.getHandle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (log == nullptr || log->pMethods == nullptr) return;
  const int code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  if (code != SQLITE_OK) {
    throw SQLite::Exception(
        "the write-ahead log could not be synced: " + std::string(sqlite3_errstr(code)), code);
  }
}

}  // namespace

class Store::Impl {
 public:
  Impl(DatabaseLock lock, SQLite::Database database, const std::filesystem::path& path)
      : lock_(std::move(lock)),
        path_(path.string()),
        database_(std::move(database)),
        page_bytes_(
            static_cast<std::uint64_t>(database_.execAndGet("PRAGMA page_size").getInt64())),
        writer_(database_),
        begin_(database_, "BEGIN IMMEDIATE"),
        commit_(database_, "COMMIT") {
    sqlite3_wal_hook(database_.getHandle(), &Impl::note_wal, this);
  }

  core::State load() { return load_state(database_); }
  core::State recall(const core::Recall& wanted) { return load_batch(database_, wanted); }
  void commit(std::span<const core::Write> writes);
  void roll_back();
  void lay_out_log();

  const std::string& path() const { return path_; }

  std::atomic<std::uint64_t> commits_{0}, changes_{0}, checkpoints_{0}, wal_bytes_{0};

 private:
  static int note_wal(void* self, sqlite3*, const char*, int pages);
  void pick_rows(std::span<const core::Write> writes);
  void write_rows();
  void checkpoint_if_long();

  DatabaseLock lock_;
  const std::string path_;
  SQLite::Database database_;
  const std::uint64_t page_bytes_;
  Writer writer_;
  SQLite::Statement begin_, commit_;

  // The rows of this commit: kept between commits for their memory.
  std::vector<const core::Write*> rows_;
  std::vector<std::pair<std::uint64_t, std::size_t>> places_;  // row_key, index among the writes

  std::uint64_t checkpoint_at_ = kCheckpointBytes;
  bool wal_warned_ = false;
};

int Store::Impl::note_wal(void* self, sqlite3*, const char*, int pages) {
  auto* impl = static_cast<Impl*>(self);
  impl->wal_bytes_ = static_cast<std::uint64_t>(pages) * impl->page_bytes_;
  return SQLITE_OK;
}

// A row that is written several times in a commit is written once: its last value, where its first
// one stood, so that what it refers to is there before it. The ledger is append-only: a number used
// twice must fail, not overwrite.
void Store::Impl::pick_rows(std::span<const core::Write> writes) {
  places_.clear();
  rows_.assign(writes.size(), nullptr);
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (std::holds_alternative<core::AppendEvent>(writes[i])) {
      rows_[i] = &writes[i];
    } else {
      const std::size_t kind = writes[i].index();
      places_.emplace_back(
          std::visit([&](const auto& put) { return row_key(put, kind); }, writes[i]), i);
    }
  }
  std::ranges::sort(places_);
  for (auto first = places_.begin(); first != places_.end();) {
    const auto end = std::find_if(first, places_.end(),
                                  [&](const auto& place) { return place.first != first->first; });
    rows_[first->second] = &writes[std::prev(end)->second];
    first = end;
  }
  std::erase(rows_, nullptr);
}

void Store::Impl::write_rows() {
  LeaseId highest;
  for (const core::Write* write : rows_) {
    writer_.put(*write);
    if (const auto* put = std::get_if<core::PutLease>(write)) {
      highest = std::max(highest, put->row.id);
    }
  }
  if (highest) writer_.raise_fence(highest);
}

void Store::Impl::commit(std::span<const core::Write> writes) {
  if (writes.empty()) return;
  pick_rows(writes);
  begin_.reset();
  begin_.exec();
  write_rows();
  commit_.reset();
  commit_.exec();
  ++commits_;
  changes_ += rows_.size();
  checkpoint_if_long();
}

void Store::Impl::roll_back() {
  // The commit that failed is lost in any case; SQLite may have rolled it back already.
  if (sqlite3_get_autocommit(database_.getHandle()) == 0) database_.tryExec("ROLLBACK");
}

// Zeros behind the last frame are no frames: a reader of the log stops there, as it does at what an
// earlier round left. They go through SQLite's own open file, which is not to be opened twice.
void Store::Impl::lay_out_log() {
  sqlite3_file* log = nullptr;
  sqlite3_file_control(database_.getHandle(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  if (log == nullptr || log->pMethods == nullptr) return;
  const std::vector<char> zeros(kLogPieceBytes);
  sqlite3_int64 bytes = 0;
  int code = log->pMethods->xFileSize(log, &bytes);
  const bool is_short = bytes < kLogBytes;
  for (; code == SQLITE_OK && bytes < kLogBytes; bytes += kLogPieceBytes) {
    code = log->pMethods->xWrite(log, zeros.data(), kLogPieceBytes, bytes);
  }
  if (code == SQLITE_OK && is_short) code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  if (code == SQLITE_OK) return;
  log::warn("store", "the write-ahead log of " + path_ +
                         " could not be laid out: " + sqlite3_errstr(code) +
                         "; commits are slower until it has grown; has the disk room?");
}

void Store::Impl::checkpoint_if_long() {
  if (wal_bytes_ < kCheckpointBytes) checkpoint_at_ = kCheckpointBytes;
  if (wal_bytes_ < checkpoint_at_) return;
  int pages = 0, copied = 0;
  const int code = sqlite3_wal_checkpoint_v2(database_.getHandle(), nullptr,
                                             SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);
  // All copied, the log starts anew at the next commit, unless a reader is in it just then.
  checkpoint_at_ = wal_bytes_ + kCheckpointBytes;
  if (code == SQLITE_OK || code == SQLITE_BUSY) {
    ++checkpoints_;
  } else {
    // The commit is durable without it.
    log::warn("store", "the write-ahead log could not be copied into " + path_ + ": " +
                           sqlite3_errmsg(database_.getHandle()) +
                           "; nothing is lost, it is tried again when the log has grown by " +
                           std::to_string(kCheckpointBytes >> 20) +
                           " MiB; make sure that the disk has room and is sound");
  }
  if (wal_bytes_ > kWalWarnBytes && !wal_warned_) {
    wal_warned_ = true;
    log::warn("store", "the write-ahead log of " + path_ + " has grown to " +
                           std::to_string(wal_bytes_ >> 20) +
                           " MiB: something reads the database without a pause, close it");
  }
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(const std::filesystem::path& path) {
  return walled("opening the database " + path.string(), [&]() -> Result<std::unique_ptr<Store>> {
    DatabaseLock lock = TRY(DatabaseLock::take(path));
    SQLite::Database database = open_writer(path);
    TRY(migrate(database, kMigrations));
    draw_epoch(database);
    sync_log(database);
    return std::unique_ptr<Store>(
        new Store(std::make_unique<Impl>(std::move(lock), std::move(database), path)));
  });
}

Result<core::State> Store::load() {
  return walled("reading the database " + impl_->path(),
                [&]() -> Result<core::State> { return impl_->load(); });
}

Result<core::State> Store::recall(const core::Recall& wanted) {
  return walled("reading the database " + impl_->path(), [&]() -> Result<core::State> {
    core::State rows = impl_->recall(wanted);
    if (rows.batches.empty()) return Error{Errc::not_found, "what it is about is not there"};
    return rows;
  });
}

void Store::lay_out_log() { impl_->lay_out_log(); }

Result<void> Store::commit(std::span<const core::Write> writes) {
  Result<void> result = walled("writing to the database " + impl_->path(), [&]() -> Result<void> {
    impl_->commit(writes);
    return {};
  });
  if (!result.ok()) impl_->roll_back();
  return result;
}

StoreStats Store::stats() const {
  return {.commits = impl_->commits_,
          .changes = impl_->changes_,
          .checkpoints = impl_->checkpoints_,
          .wal_bytes = impl_->wal_bytes_};
}

}  // namespace pirouette::store
