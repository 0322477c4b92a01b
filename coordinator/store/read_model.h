#pragma once
// What the API and the page read: plain structs from read-only connections. Safe from many threads
// at once; it never waits for the writer and the writer never waits for it. Each call is one short
// read transaction, so its rows belong together, and nothing stays open between calls: a snapshot
// held for long would keep the write-ahead log from being emptied. It never checkpoints.
//
// A call costs a fixed number of queries, whatever the size of its page, and each goes by an index:
// a farm that has rendered a million jobs answers like a new one. Where a filter has no index, a
// page ends after so many rows that did not match, full or not, and says where the next one begins.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/result.h"
#include "coordinator/core/state.h"

namespace pirouette::store {

struct BatchRow {
  core::Batch batch;  // with its recipe
  std::uint32_t jobs_running = 0;
  std::uint32_t jobs_held = 0;  // until a proof is found good; of a running batch
  // How long one worker needs for one job of this batch, by those that ended; none until one is
  // done and while nothing is left to do.
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

struct ListedSheet {
  SheetRow row;
  std::shared_ptr<const Recipe> recipe;
};

// Those that are given must all hold.
struct SheetFilter {
  std::optional<core::SheetState> state;
  BatchId batch;
  std::string character;  // all of its name
};

struct SheetList {
  std::vector<ListedSheet> sheets;
  std::optional<SheetId> next;  // none: there are no more
};

struct JobRow {
  core::Job job;
  std::string character;
  std::string notes;       // of its sheet
  std::uint32_t view = 0;  // index into the recipe's views
  std::shared_ptr<const Recipe> recipe;
  std::string worker;  // name of job.worker; "" if none
};

struct JobFilter {
  std::optional<core::JobState> state;
  BatchId batch;
  SheetId sheet;
  WorkerId worker;  // who renders it, or made it
};

struct JobPage {
  std::vector<JobRow> jobs;
  std::optional<JobId> next;  // none: there are no more
};

// One lease, and the row that ended it where that was not a picture.
struct Attempt {
  core::Lease lease;
  std::string worker;
  std::optional<core::LedgerRow> ended;
};

struct JobStory {
  JobRow row;
  std::vector<Attempt> attempts;  // oldest first
};

// What stands before a job in the fair order.
struct Ahead {
  std::uint64_t jobs = 0;         // of other batches that go first, and of its own
  std::uint64_t of_priority = 0;  // of these, in batches of a higher priority
  bool counted = true;            // false: there are more
  // Of other owners at its priority: each goes before it or after it as the owners' shares are
  // when it is given out, which no row says.
  std::uint64_t by_share = 0;
};

// A page of a batch with all that proves it; of one snapshot. See http/verification.h.
struct ProofSheet {
  core::Sheet sheet;
  std::vector<core::Pose> poses;
  std::vector<core::Job> jobs;            // every take
  std::vector<core::Lease> leases;        // of those jobs
  std::vector<core::LedgerRow> accepted;  // their job.done rows
  std::vector<SheetVersion> versions;     // every one, the sheet's own too
};

struct ProofPage {
  core::Batch batch;
  std::vector<ProofSheet> sheets;
  bool last = true;  // there are no more sheets
};

// As the rows say, to be compared with what the batch says.
struct BatchCounts {
  std::uint32_t sheets = 0, sheets_open = 0;
  std::uint32_t jobs = 0, jobs_done = 0, jobs_failed = 0, jobs_cancelled = 0;
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
  // Those that are not over, in the order in which workers get them.
  Result<std::vector<BatchRow>> running_batches(std::size_t limit) const;

  // In the batch's order, after that sheet (none: from the first). not_found: no such batch.
  Result<SheetPage> sheets(BatchId batch, SheetId after, std::size_t limit) const;
  // The same for one sheet; its page has one sheet. not_found.
  Result<SheetPage> sheet(SheetId id) const;
  // The pictures that a sheet was put together to so far, oldest first.
  Result<std::vector<SheetVersion>> versions(SheetId id) const;
  Result<SheetPage> sheet_of(PoseId id) const;
  // Of all batches, by id.
  Result<SheetList> sheets(const SheetFilter& filter, SheetId after, std::size_t limit) const;
  // Every take of a sheet's poses, oldest first.
  Result<std::vector<core::Job>> takes(SheetId id) const;
  // A whole batch, for a delivery: as sheets(), without a limit, and with every take.
  Result<DeliveryRows> delivery(BatchId id) const;

  // Sheet by sheet, and in a sheet by id, after that job. invalid: there is no such job to go on
  // after.
  Result<JobPage> jobs(const JobFilter& filter, JobId after, std::size_t limit) const;
  Result<JobStory> job(JobId id) const;                   // not_found
  Result<std::vector<JobRow>> takes(PoseId id) const;     // oldest first; not_found
  Result<Ahead> ahead_of(const core::Job& queued) const;  // its batch is running

  // By id, after that one. Workers that left long ago are in it too.
  Result<std::vector<WorkerRow>> workers(WorkerId after, std::size_t limit) const;
  // The same without what they have in hand, for who does not ask for it.
  Result<std::vector<WorkerRow>> workers_alone(WorkerId after, std::size_t limit) const;
  Result<WorkerRow> worker(WorkerId id) const;  // not_found
  // Those that batches get by their names now: by id, after that one.
  Result<std::vector<core::Lora>> loras(LoraId after, std::size_t limit) const;
  Result<core::Lora> lora(const std::string& name) const;  // not_found

  // The newest row of each online worker about the work it takes: that it rests, or takes none.
  Result<std::vector<core::LedgerRow>> capacity_words() const;

  // Why no work is given out just now; "" where it is.
  Result<std::string> farm_stopped() const;

  // A batch's sheets after that one with what proves them. not_found.
  Result<ProofPage> proof(BatchId batch, SheetId after, std::size_t limit) const;
  // Looks at every job of the batch. not_found.
  Result<std::pair<core::Batch, BatchCounts>> count_rows(BatchId batch) const;

  // The ledger's rows after that one, oldest first.
  Result<std::vector<core::LedgerRow>> events(EventId after, std::size_t limit) const;
  // Of one batch: those of its sheets and jobs too. The last row that was looked at, and whether
  // that is the end of the ledger, stand in the page.
  struct EventPage {
    std::vector<core::LedgerRow> rows;
    std::optional<EventId> next;  // none: there are no more
  };
  Result<EventPage> events_of(BatchId batch, EventId after, std::size_t limit) const;
  Result<EventId> last_event() const;  // none: the ledger is empty

  Result<Counts> counts() const;
  std::uint64_t wal_bytes() const;  // size of the log's file

  class Impl;  // read_impl.h

 private:
  explicit ReadModel(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::store
