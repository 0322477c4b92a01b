// Jobs by what is wanted of them, their history, and sheets over all batches. Everything comes
// sheet by sheet: sheets of a batch are numbered in a row, so the one index on job.sheet gives a
// batch's jobs and every job, in an order that people understand.

#include <algorithm>

#include "coordinator/store/read_impl.h"

namespace pirouette::store {
namespace {

// More than this are not counted: whoever waits behind so many does not ask for the last digit.
constexpr std::int64_t kAheadCountedMax = 10'000;

const std::string kJobRow = "SELECT " + of("j", kJobColumns) +
                            ", s.character, s.notes, p.view, coalesce(w.name, ''), b.recipe ";
const std::string kJobRowJoins =
    " CROSS JOIN pose AS p ON p.id = j.pose LEFT JOIN worker AS w ON w.id = j.worker ";
const std::string kJobAlone = kJobRow + "FROM job AS j CROSS JOIN sheet AS s ON s.id = j.sheet" +
                              " CROSS JOIN batch AS b ON b.id = j.batch" + kJobRowJoins;

// Where a page of jobs begins and ends: after that job of that sheet, up to that sheet.
struct Window {
  std::int64_t after_sheet = 0, after_job = 0;
  std::int64_t first_sheet = 0, last_sheet = INT64_MAX;
};

// The rows are in (sheet, id) order by the order of the loops, which CROSS JOIN fixes.
std::string select_jobs(const JobFilter& filter) {
  using core::JobState;
  const bool waits = filter.state == JobState::queued || filter.state == JobState::held;
  std::string sql = kJobRow;
  if (waits) {
    // Only open batches can hold jobs that wait, and there only sheets that are not done.
    sql +=
        "FROM batch AS b INDEXED BY batch_open CROSS JOIN sheet AS s INDEXED BY sheet_batch"
        " ON s.batch = b.id CROSS JOIN job AS j INDEXED BY job_sheet ON j.sheet = s.id";
  } else {
    const std::string index = filter.state == JobState::leased   ? "job_leased"
                              : filter.state == JobState::failed ? "job_failed"
                                                                 : "job_sheet";
    sql += "FROM job AS j INDEXED BY " + index +
           " CROSS JOIN sheet AS s ON s.id = j.sheet CROSS JOIN batch AS b ON b.id = j.batch";
  }
  sql += kJobRowJoins + "WHERE (j.sheet, j.id) > (?1, ?2) AND j.sheet BETWEEN ?3 AND ?4";
  if (waits) {
    sql +=
        " AND s.id BETWEEN ?3 AND ?4 AND s.state = 0"
        " AND (b.state = 0 OR b.sheets_open > 0)";
  }
  if (filter.state) sql += " AND j.state = " + std::to_string(static_cast<int>(*filter.state));
  if (filter.worker) sql += " AND j.worker = ?6";
  sql += waits ? " ORDER BY b.id, s.id, j.id" : " ORDER BY j.sheet, j.id";
  return sql + " LIMIT ?5";
}

// Few rows, or an index that has just these.
bool is_indexed(const JobFilter& filter) {
  using core::JobState;
  if (filter.sheet || !filter.state) return !filter.worker || filter.sheet;
  return *filter.state != JobState::done && *filter.state != JobState::cancelled;
}

JobRow read_job_row(ReadModel::Impl& model, Row& row) {
  JobRow job;
  job.job = read_job(row);
  job.character = row.text();
  job.notes = row.text();
  job.view = row.count();
  job.worker = row.text();
  job.recipe = model.recipe(job.job.batch, row.text());
  if (job.view >= job.recipe->views.size()) {
    throw CorruptRow("pose " + std::to_string(job.job.pose.value) +
                     " shows a view that its recipe does not have");
  }
  return job;
}

Result<Window> find_window(Reader& reader, const JobFilter& filter, JobId after) {
  Window window;
  if (after) {
    SQLite::Statement& owner = reader.statement("SELECT sheet FROM job WHERE id = ?");
    owner.bind(1, as_key(after.value));
    if (!owner.executeStep()) {
      return Error{Errc::invalid, "after=" + std::to_string(after.value) +
                                      " is no job; give the next of the page before"};
    }
    window.after_sheet = owner.getColumn(0).getInt64();
    window.after_job = as_key(after.value);
  }
  if (filter.batch) {
    SQLite::Statement& bounds = reader.statement(
        "SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM sheet INDEXED BY sheet_batch"
        " WHERE batch = ?");
    bounds.bind(1, as_key(filter.batch.value));
    bounds.executeStep();
    window.first_sheet = bounds.getColumn(0).getInt64();
    window.last_sheet = bounds.getColumn(1).getInt64();
  }
  if (filter.sheet) {
    window.first_sheet = std::max(window.first_sheet, as_key(filter.sheet.value));
    window.last_sheet = std::min(window.last_sheet, as_key(filter.sheet.value));
  }
  // SQLite goes to the window's first sheet by the index, and not to a pair of sheet and job.
  window.first_sheet = std::max(window.first_sheet, window.after_sheet);
  return window;
}

// Where a page ends that found too little: the job that is kRowsPassedMax further on. Narrows the
// window to it; none: the window ends before.
std::optional<JobId> narrow(Reader& reader, Window& window) {
  SQLite::Statement& end = reader.statement(
      "SELECT sheet, id FROM job INDEXED BY job_sheet WHERE (sheet, id) > (?1, ?2)"
      " AND sheet BETWEEN ?3 AND ?4 ORDER BY sheet, id LIMIT 1 OFFSET ?5");
  end.bind(1, window.after_sheet);
  end.bind(2, window.after_job);
  end.bind(3, window.first_sheet);
  end.bind(4, window.last_sheet);
  end.bind(5, kRowsPassedMax - 1);
  if (!end.executeStep()) return std::nullopt;
  window.last_sheet = end.getColumn(0).getInt64();
  return JobId{static_cast<std::uint64_t>(end.getColumn(1).getInt64())};
}

JobPage read_jobs(ReadModel::Impl& model, Reader& reader, const JobFilter& filter, Window window,
                  std::size_t limit) {
  std::optional<JobId> end;
  if (!is_indexed(filter)) end = narrow(reader, window);
  SQLite::Statement& statement = reader.statement(select_jobs(filter));
  statement.bind(1, window.after_sheet);
  statement.bind(2, window.after_job);
  statement.bind(3, window.first_sheet);
  statement.bind(4, window.last_sheet);
  statement.bind(5, as_key(limit));
  if (filter.worker) statement.bind(6, as_key(filter.worker.value));
  JobPage page;
  each(statement, [&](Row& row) { page.jobs.push_back(read_job_row(model, row)); });
  const core::Job* const last = page.jobs.empty() ? nullptr : &page.jobs.back().job;
  if (page.jobs.size() == limit) {
    page.next = last->id;
  } else if (end) {
    // The window ends with a whole sheet, so it may hold a match behind the row that ends it.
    const bool behind = last && as_key(last->sheet.value) == window.last_sheet && last->id > *end;
    page.next = behind ? last->id : *end;
  }
  return page;
}

std::vector<Attempt> read_attempts(Reader& reader, JobId job) {
  static const std::string kLeases = "SELECT " + of("l", kLeaseColumns) +
                                     ", coalesce(w.name, '') FROM lease AS l LEFT JOIN worker AS w"
                                     " ON w.id = l.worker WHERE l.job = ? ORDER BY l.id";
  static const std::string kEnds =
      "SELECT " + std::string(kEventColumns) +
      " FROM event INDEXED BY event_job WHERE job = ? AND job IS NOT NULL AND kind <> 'job.leased'"
      " AND kind <> 'job.done' AND kind <> 'job.duplicate' ORDER BY id";
  std::vector<Attempt> attempts;
  SQLite::Statement& leases = reader.statement(kLeases);
  leases.bind(1, as_key(job.value));
  each(leases, [&](Row& row) {
    Attempt attempt;
    attempt.lease = read_lease(row);
    attempt.worker = row.text();
    attempts.push_back(std::move(attempt));
  });
  SQLite::Statement& ends = reader.statement(kEnds);
  ends.bind(1, as_key(job.value));
  each(ends, [&](Row& row) {
    core::LedgerRow ended = read_event(row);
    const auto of = std::ranges::find(attempts, ended.lease,
                                      [](const Attempt& attempt) { return attempt.lease.id; });
    if (of != attempts.end()) of->ended = std::move(ended);
  });
  return attempts;
}

}  // namespace

Result<JobPage> ReadModel::jobs(const JobFilter& filter, JobId after, std::size_t limit) const {
  return impl_->read([&](Reader& reader) -> Result<JobPage> {
    return read_jobs(*impl_, reader, filter, TRY(find_window(reader, filter, after)), limit);
  });
}

Result<JobStory> ReadModel::job(JobId id) const {
  static const std::string kSql = kJobAlone + "WHERE j.id = ?";
  return impl_->read([&](Reader& reader) -> Result<JobStory> {
    SQLite::Statement& statement = reader.statement(kSql);
    statement.bind(1, as_key(id.value));
    if (!statement.executeStep()) {
      return Error{Errc::not_found, "there is no job " + std::to_string(id.value)};
    }
    Row row(statement);
    JobStory story{read_job_row(*impl_, row), {}};
    story.attempts = read_attempts(reader, id);
    return story;
  });
}

Result<std::vector<JobRow>> ReadModel::takes(PoseId id) const {
  static const std::string kSql = kJobRow +
                                  "FROM job AS j INDEXED BY job_sheet CROSS JOIN sheet AS"
                                  " s ON s.id = j.sheet CROSS JOIN batch AS b"
                                  " ON b.id = j.batch" +
                                  kJobRowJoins + "WHERE j.sheet = ? AND j.pose = ? ORDER BY j.id";
  return impl_->read([&](Reader& reader) -> Result<std::vector<JobRow>> {
    SQLite::Statement& owner = reader.statement("SELECT sheet FROM pose WHERE id = ?");
    owner.bind(1, as_key(id.value));
    if (!owner.executeStep()) {
      return Error{Errc::not_found, "there is no pose " + std::to_string(id.value)};
    }
    SQLite::Statement& statement = reader.statement(kSql);
    statement.bind(1, owner.getColumn(0).getInt64());
    statement.bind(2, as_key(id.value));
    std::vector<JobRow> takes;
    each(statement, [&](Row& row) { takes.push_back(read_job_row(*impl_, row)); });
    return takes;
  });
}

Result<Ahead> ReadModel::ahead_of(const core::Job& queued) const {
  // Batches that go first, as core/fair_order.h ranks them; each counts its own jobs.
  static const std::string kBatches =
      "WITH other AS (SELECT a.jobs - a.jobs_done - a.jobs_failed - a.jobs_cancelled AS left,"
      " (a.idle_only, -a.priority) < (own.idle_only, -own.priority) AS higher,"
      " a.idle_only = own.idle_only AND a.priority > own.priority AS of_priority,"
      " (a.idle_only, a.priority) = (own.idle_only, own.priority) AS level,"
      " a.owner = own.owner AS same_owner, (coalesce(a.deadline, 9223372036854775807), a.id) <"
      " (coalesce(own.deadline, 9223372036854775807), own.id) AS sooner"
      " FROM batch AS own CROSS JOIN batch AS a INDEXED BY batch_open WHERE own.id = ? AND"
      " (a.state = 0 OR a.sheets_open > 0) AND a.paused = 0 AND a.id <> own.id)"
      " SELECT coalesce(sum(left * (higher OR (level AND same_owner AND sooner))), 0),"
      " coalesce(sum(left * of_priority), 0),"
      " coalesce(sum(left * (level AND NOT same_owner)), 0) FROM other";
  static const std::string kOwn =
      "SELECT count(*) FROM (SELECT 1 FROM sheet AS s INDEXED BY sheet_batch CROSS JOIN job AS j"
      " INDEXED BY job_sheet ON j.sheet = s.id WHERE s.batch = ? AND s.id <= ? AND s.state = 0"
      " AND j.state = 1 AND (j.sheet, j.pose, j.id) < (?2, ?3, ?4) LIMIT ?5)";
  return impl_->read([&](Reader& reader) -> Result<Ahead> {
    Ahead ahead;
    SQLite::Statement& batches = reader.statement(kBatches);
    batches.bind(1, as_key(queued.batch.value));
    each(batches, [&](Row& row) {
      ahead.jobs = row.bits();
      ahead.of_priority = row.bits();
      ahead.by_share = row.bits();
    });
    SQLite::Statement& own = reader.statement(kOwn);
    own.bind(1, as_key(queued.batch.value));
    own.bind(2, as_key(queued.sheet.value));
    own.bind(3, as_key(queued.pose.value));
    own.bind(4, as_key(queued.id.value));
    own.bind(5, kAheadCountedMax);
    own.executeStep();
    const std::int64_t counted = own.getColumn(0).getInt64();
    ahead.jobs += static_cast<std::uint64_t>(counted);
    ahead.counted = counted < kAheadCountedMax;
    return ahead;
  });
}

Result<SheetList> ReadModel::sheets(const SheetFilter& filter, SheetId after,
                                    std::size_t limit) const {
  // Sheets are numbered in a row, so a window of numbers is a window of rows.
  std::string sql = "SELECT " + of("s", kSheetColumns) + ", b.recipe FROM sheet AS s";
  if (!filter.character.empty()) {
    sql += " INDEXED BY sheet_character";
  } else if (filter.batch) {
    sql += " INDEXED BY sheet_batch";
  }
  sql += " CROSS JOIN batch AS b ON b.id = s.batch WHERE s.id > ?1 AND s.id <= ?2";
  if (filter.batch) sql += " AND s.batch = ?4";
  if (!filter.character.empty()) sql += " AND s.character = ?5";
  if (filter.state) sql += " AND s.state = " + std::to_string(static_cast<int>(*filter.state));
  sql += " ORDER BY s.id LIMIT ?3";
  return impl_->read([&](Reader& reader) -> Result<SheetList> {
    const std::int64_t from = as_key(after.value);
    const bool bounded = filter.state && filter.character.empty() && !filter.batch;
    const std::int64_t to =
        bounded && from < INT64_MAX - kRowsPassedMax ? from + kRowsPassedMax : INT64_MAX;
    SQLite::Statement& statement = reader.statement(sql);
    statement.bind(1, from);
    statement.bind(2, to);
    statement.bind(3, as_key(limit));
    if (filter.batch) statement.bind(4, as_key(filter.batch.value));
    if (!filter.character.empty()) statement.bind(5, filter.character);
    SheetList list;
    each(statement, [&](Row& row) {
      SheetRow sheet{read_sheet(row), {}};
      auto recipe = impl_->recipe(sheet.sheet.batch, row.text());
      list.sheets.push_back({std::move(sheet), std::move(recipe)});
    });
    impl_->add_poses(reader, list.sheets);
    if (list.sheets.size() == limit) {
      list.next = list.sheets.back().row.sheet.id;
    } else if (bounded) {
      SQLite::Statement& last = reader.statement("SELECT coalesce(max(id), 0) FROM sheet");
      last.executeStep();
      if (last.getColumn(0).getInt64() > to) list.next = SheetId{static_cast<std::uint64_t>(to)};
    }
    return list;
  });
}

}  // namespace pirouette::store
