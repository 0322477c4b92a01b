#pragma once
// What the API and the page read: plain structs from read-only connections. Safe from many threads
// at once; it never waits for the writer and the writer never waits for it. Each call is one short
// read transaction, so its rows belong together, and nothing stays open between calls: a snapshot
// held for long would keep the write-ahead log from being emptied. It never checkpoints.
//
// A call costs a fixed number of queries, whatever the size of its page, and each goes by an index:
// a farm that has rendered a million jobs answers like a new one.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "coordinator/core/state.h"

namespace pirouette::store {

struct BatchRow {
  core::Batch batch;  // with its recipe
  std::uint32_t jobs_running = 0;
  // How long one worker needs for one job of this batch, from the first done ones; none until one
  // is done and while nothing is left to do.
  std::optional<Duration> job_mean;
};

struct PoseRow {
  core::Pose pose;
  core::Job latest;
  std::string latest_worker;  // name of latest.worker; "" if none
  std::optional<core::Job> chosen;
  std::string chosen_worker;
};

struct SheetRow {
  core::Sheet sheet;
  std::vector<PoseRow> poses;  // in the recipe's order
};

struct SheetVersion {
  std::uint32_t version = 0;
  Digest picture, thumbnail;
};

struct SheetPage {
  core::Batch batch;  // whose sheets these are; its recipe names the views
  std::vector<SheetRow> sheets;
};

struct TakeRow {
  core::Job job;
  std::string worker;  // its name; "" if none
};

struct DeliveryRows {
  SheetPage page;
  std::map<PoseId, std::vector<TakeRow>> takes;  // oldest first
};

struct LeasedRow {
  core::Job job;
  std::string character;
  std::uint32_t view = 0;  // index into the batch's recipe
  std::string view_id;     // that view's id
};

struct WorkerRow {
  core::Worker worker;
  std::vector<LeasedRow> leases;  // current ones, oldest first
};

struct Counts {
  std::uint64_t queued = 0;                      // of running batches: neither leased nor ended
  std::uint64_t running = 0;                     // leased just now
  std::uint64_t done = 0, failed = 0, jobs = 0;  // of all batches ever
  std::uint64_t batches = 0, batches_running = 0;
  std::uint64_t workers = 0, workers_online = 0;  // online: also those draining
};

class ReadModel {
 public:
  // The database must exist: Store::open comes first.
  static Result<std::unique_ptr<ReadModel>> open(const std::filesystem::path& path);
  ~ReadModel();
  ReadModel(const ReadModel&) = delete;
  ReadModel& operator=(const ReadModel&) = delete;

  // Newest first. before: the last id of the page before, or none for the first page.
  Result<std::vector<BatchRow>> batches(BatchId before, std::size_t limit) const;
  Result<BatchRow> batch(BatchId id) const;  // not_found

  // In the batch's order, after that sheet (none: from the first). not_found: no such batch.
  Result<SheetPage> sheets(BatchId batch, SheetId after, std::size_t limit) const;
  // The same for one sheet; its page has one sheet. not_found.
  Result<SheetPage> sheet(SheetId id) const;
  // The pictures that a sheet was put together to so far, oldest first.
  Result<std::vector<SheetVersion>> versions(SheetId id) const;
  // Every take of a sheet's poses, oldest first.
  Result<std::vector<core::Job>> takes(SheetId id) const;
  // A whole batch, for a delivery: as sheets(), without a limit, and with every take.
  Result<DeliveryRows> delivery(BatchId id) const;

  // By id, after that one. Workers that left long ago are in it too.
  Result<std::vector<WorkerRow>> workers(WorkerId after, std::size_t limit) const;

  // The ledger's rows after that one, oldest first.
  Result<std::vector<core::LedgerRow>> events(EventId after, std::size_t limit) const;
  Result<EventId> last_event() const;  // none: the ledger is empty

  Result<Counts> counts() const;
  std::uint64_t wal_bytes() const;  // size of the log's file

 private:
  class Impl;
  explicit ReadModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::store
