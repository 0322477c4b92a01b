// What proves a batch: its rows beside the ledger's, one snapshot a page; and the ledger of one
// batch.

#include <algorithm>

#include "coordinator/store/read_impl.h"

namespace pirouette::store {
namespace {

// The sheets of a page, of one batch: everything below is selected by them.
const std::string kSheetsOfPage = " FROM sheet AS s INDEXED BY sheet_batch";
const std::string kOfPage = " WHERE s.batch = ? AND s.id > ? AND s.id <= ? ";
const std::string kJobsOfPage =
    kSheetsOfPage + " CROSS JOIN job AS j INDEXED BY job_sheet ON j.sheet = s.id";

template <typename Read>
void each_of_page(Reader& reader, const std::string& sql, const ProofPage& page, SheetId after,
                  Read read) {
  SQLite::Statement& statement = reader.statement(sql);
  statement.bind(1, as_key(page.batch.id.value));
  statement.bind(2, as_key(after.value));
  statement.bind(3, as_key(page.sheets.back().sheet.id.value));
  auto sheet = page.sheets.begin();
  each(statement, [&](Row& row) {
    const SheetId owner = row.id<SheetId>();
    while (sheet != page.sheets.end() && sheet->sheet.id < owner) ++sheet;
    PIROUETTE_CHECK(sheet != page.sheets.end());
    read(static_cast<std::size_t>(sheet - page.sheets.begin()), row);
  });
}

void read_proofs(Reader& reader, ProofPage& page, SheetId after) {
  static const std::string kPoses = "SELECT s.id, " + of("p", kPoseColumns) + kSheetsOfPage +
                                    " CROSS JOIN pose AS p ON p.sheet = s.id" + kOfPage +
                                    "ORDER BY s.id, p.id";
  static const std::string kJobs =
      "SELECT s.id, " + of("j", kJobColumns) + kJobsOfPage + kOfPage + "ORDER BY s.id, j.id";
  static const std::string kLeases = "SELECT s.id, " + of("l", kLeaseColumns) + kJobsOfPage +
                                     " CROSS JOIN lease AS l ON l.job = j.id" + kOfPage +
                                     "ORDER BY s.id, j.id, l.id";
  static const std::string kAccepted =
      "SELECT s.id, " + of("e", kEventColumns) + kJobsOfPage +
      " CROSS JOIN event AS e INDEXED BY event_job ON e.job = j.id" + kOfPage +
      "AND e.job IS NOT NULL AND e.kind <> 'job.leased' AND e.kind = 'job.done'"
      " ORDER BY s.id, j.id, e.id";
  static const std::string kVersions =
      "SELECT s.id, v.version, v.picture, v.thumbnail" + kSheetsOfPage +
      " CROSS JOIN sheet_version AS v ON v.sheet = s.id" + kOfPage + "ORDER BY s.id, v.version";
  auto& sheets = page.sheets;
  each_of_page(reader, kPoses, page, after,
               [&](std::size_t i, Row& row) { sheets[i].poses.push_back(read_pose(row)); });
  each_of_page(reader, kJobs, page, after,
               [&](std::size_t i, Row& row) { sheets[i].jobs.push_back(read_job(row)); });
  each_of_page(reader, kLeases, page, after,
               [&](std::size_t i, Row& row) { sheets[i].leases.push_back(read_lease(row)); });
  each_of_page(reader, kAccepted, page, after,
               [&](std::size_t i, Row& row) { sheets[i].accepted.push_back(read_event(row)); });
  each_of_page(reader, kVersions, page, after,
               [&](std::size_t i, Row& row) { sheets[i].versions.push_back(read_version(row)); });
}

}  // namespace

Result<ProofPage> ReadModel::proof(BatchId batch, SheetId after, std::size_t limit) const {
  static const std::string kSheets = "SELECT " + of("s", kSheetColumns) + kSheetsOfPage +
                                     " WHERE s.batch = ? AND s.id > ? ORDER BY s.id LIMIT ?";
  return impl_->read([&](Reader& reader) -> Result<ProofPage> {
    ProofPage page;
    page.batch = TRY(impl_->batch(reader, batch)).batch;
    SQLite::Statement& sheets = reader.statement(kSheets);
    sheets.bind(1, as_key(batch.value));
    sheets.bind(2, as_key(after.value));
    sheets.bind(3, as_key(limit) + 1);
    each(sheets, [&](Row& row) {
      ProofSheet sheet;
      sheet.sheet = read_sheet(row);
      page.sheets.push_back(std::move(sheet));
    });
    page.last = page.sheets.size() <= limit;
    if (!page.last) page.sheets.pop_back();
    if (!page.sheets.empty()) read_proofs(reader, page, after);
    return page;
  });
}

Result<std::pair<core::Batch, BatchCounts>> ReadModel::count_rows(BatchId id) const {
  static const std::string kSheets =
      "SELECT count(*), coalesce(sum(state = 0), 0) FROM sheet WHERE batch = ?";
  static const std::string kJobs =
      "SELECT count(*), coalesce(sum(j.state = 3), 0), coalesce(sum(j.state = 4), 0),"
      " coalesce(sum(j.state = 5), 0)" +
      kJobsOfPage + " WHERE s.batch = ?";
  return impl_->read([&](Reader& reader) -> Result<std::pair<core::Batch, BatchCounts>> {
    std::pair<core::Batch, BatchCounts> counted;
    counted.first = TRY(impl_->batch(reader, id)).batch;
    BatchCounts& counts = counted.second;
    SQLite::Statement& sheets = reader.statement(kSheets);
    sheets.bind(1, as_key(id.value));
    each(sheets, [&](Row& row) {
      counts.sheets = row.count();
      counts.sheets_open = row.count();
    });
    SQLite::Statement& jobs = reader.statement(kJobs);
    jobs.bind(1, as_key(id.value));
    each(jobs, [&](Row& row) {
      counts.jobs = row.count();
      counts.jobs_done = row.count();
      counts.jobs_failed = row.count();
      counts.jobs_cancelled = row.count();
    });
    return counted;
  });
}

Result<std::vector<core::LedgerRow>> ReadModel::capacity_words() const {
  static const std::string kSql =
      "SELECT " + of("e", kEventColumns) +
      " FROM worker AS w CROSS JOIN event AS e ON e.id = (SELECT max(id) FROM event INDEXED BY"
      " event_capacity WHERE worker = w.id AND kind = 'worker.capacity') WHERE w.state = 0"
      " ORDER BY w.id";
  return impl_->read([&](Reader& reader) -> Result<std::vector<core::LedgerRow>> {
    std::vector<core::LedgerRow> words;
    each(reader.statement(kSql), [&](Row& row) { words.push_back(read_event(row)); });
    return words;
  });
}

Result<std::string> ReadModel::farm_stopped() const {
  static const std::string kSql =
      "SELECT kind = 'farm.stopped', detail FROM event INDEXED BY event_farm"
      " WHERE kind IN ('farm.stopped', 'farm.resumed') ORDER BY id DESC LIMIT 1";
  return impl_->read([&](Reader& reader) -> Result<std::string> {
    std::string why;
    each(reader.statement(kSql), [&](Row& row) {
      const bool stopped = row.flag();
      std::string detail = row.text();
      if (stopped) why = std::move(detail);
    });
    return why;
  });
}

Result<ReadModel::EventPage> ReadModel::events_of(BatchId batch, EventId after,
                                                  std::size_t limit) const {
  // From the batch's submission on, past so many rows of other batches at most.
  static const std::string kFirst =
      "SELECT coalesce(min(id), 9223372036854775807) FROM event INDEXED BY event_batch"
      " WHERE batch = ? AND batch IS NOT NULL AND sheet IS NULL";
  static const std::string kRows =
      "SELECT " + std::string(kEventColumns) +
      " FROM event WHERE id > ? AND id <= ? AND batch = ? ORDER BY id LIMIT ?";
  return impl_->read([&](Reader& reader) -> Result<EventPage> {
    SQLite::Statement& first = reader.statement(kFirst);
    first.bind(1, as_key(batch.value));
    first.executeStep();
    const std::int64_t from = std::max(as_key(after.value), first.getColumn(0).getInt64() - 1);
    const std::int64_t to = from < INT64_MAX - kRowsPassedMax ? from + kRowsPassedMax : INT64_MAX;
    SQLite::Statement& rows = reader.statement(kRows);
    rows.bind(1, from);
    rows.bind(2, to);
    rows.bind(3, as_key(batch.value));
    rows.bind(4, as_key(limit));
    EventPage page;
    each(rows, [&](Row& row) { page.rows.push_back(read_event(row)); });
    SQLite::Statement& last = reader.statement("SELECT coalesce(max(id), 0) FROM event");
    last.executeStep();
    if (page.rows.size() == limit) {
      page.next = page.rows.back().id;
    } else if (last.getColumn(0).getInt64() > to) {
      page.next = EventId{static_cast<std::uint64_t>(to)};
    }
    return page;
  });
}

}  // namespace pirouette::store
