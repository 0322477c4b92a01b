#pragma once
// What the parts of the read model share: a borrowed connection for one short transaction, and the
// selects that more than one of them uses. Internal to coordinator/store.

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "coordinator/store/connection.h"
#include "coordinator/store/read_model.h"
#include "coordinator/store/readers.h"
#include "coordinator/store/rows.h"

namespace pirouette::store {

// Rows that a filter may pass over before a page ends without being full: some 15 ms of reading.
inline constexpr std::int64_t kRowsPassedMax = 20'000;

inline std::int64_t as_key(std::uint64_t id) { return static_cast<std::int64_t>(id); }

// "Before none" and "after none" mean from the end and from the start.
inline std::int64_t before_key(BatchId id) { return id ? as_key(id.value) : INT64_MAX; }

template <typename Read>
void each(SQLite::Statement& statement, Read read) {
  while (statement.executeStep()) {
    Row row(statement);
    read(row);
  }
}

inline SheetVersion read_version(Row& row) {
  return {.version = row.count(), .picture = row.digest(), .thumbnail = row.digest()};
}

class ReadModel::Impl {
 public:
  explicit Impl(const std::filesystem::path& path)
      : path_(path), doing_("reading the database " + path.string()), readers_(path) {}

  // One read transaction, and the wall for what it throws.
  template <typename Body>
  auto read(Body body) -> decltype(body(std::declval<Reader&>())) {
    return walled(doing_, [&]() -> decltype(body(std::declval<Reader&>())) {
      const Readers::Borrowed reader = readers_.borrow();
      return body(*reader);
    });
  }

  BatchRow read_batch_row(Row& row);
  Result<BatchRow> batch(Reader& reader, BatchId id);
  Result<SheetPage> sheets(Reader& reader, BatchId batch, SheetId after, std::int64_t limit);
  Result<SheetPage> sheet(Reader& reader, SheetId id);
  // Of sheets by any recipes, in any order: their poses go to their rows.
  void add_poses(Reader& reader, std::vector<ListedSheet>& sheets);
  std::vector<WorkerRow> workers_alone(Reader& reader, WorkerId after, std::size_t limit);
  Result<std::vector<WorkerRow>> workers(Reader& reader, WorkerId after, std::size_t limit);
  std::shared_ptr<const Recipe> recipe(BatchId batch, std::string_view json);

  std::string wal_path() const { return path_.string() + "-wal"; }

 private:
  const std::filesystem::path path_;
  const std::string doing_;
  Readers readers_;

  std::mutex recipes_mutex_;
  std::map<BatchId, std::shared_ptr<const Recipe>> recipes_;  // they never change
};

}  // namespace pirouette::store
