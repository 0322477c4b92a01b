#include "coordinator/store/connection.h"

#include <sqlite3.h>

#include <span>

#include "coordinator/store/log_vfs.h"

namespace pirouette::store {
namespace {

struct Pragma {
  const char* name;
  const char* value;
  const char* answer;  // what SQLite says when it is asked back
};

constexpr int kBusyTimeoutMs = 5000;  // longest wait for a reader that is just recovering the WAL

constexpr Pragma kWriterPragmas[] = {
    {"synchronous", "FULL", "2"},  // the log is synced at every commit: log_vfs.h counts on it
    {"journal_mode", "WAL", "wal"},
    {"foreign_keys", "ON", "1"},
    {"wal_autocheckpoint", "0", "0"},  // Store does it, when it suits
    {"busy_timeout", "5000", "5000"},
    {"cache_size", "-65536", "-65536"},  // KiB: the pages of some 100,000 open jobs
    {"temp_store", "MEMORY", "2"},
    {"journal_size_limit", "67108864", "67108864"},  // what a burst leaves of the log's file
    {"mmap_size", "0", "0"},  // an I/O error should be an error, not a signal
    {"trusted_schema", "OFF", "0"},
    {"cell_size_check", "ON", "1"},  // a damaged page is noticed before it is believed
};

constexpr Pragma kReaderPragmas[] = {
    {"query_only", "ON", "1"},        {"wal_autocheckpoint", "0", "0"},
    {"busy_timeout", "5000", "5000"}, {"cache_size", "-8192", "-8192"},  // KiB, each of the pool
    {"temp_store", "MEMORY", "2"},    {"mmap_size", "0", "0"},
    {"trusted_schema", "OFF", "0"},
};

void apply(SQLite::Database& database, std::span<const Pragma> pragmas) {
  for (const Pragma& pragma : pragmas) {
    const std::string name = std::string("PRAGMA ") + pragma.name;
    database.exec(name + " = " + pragma.value);
    const std::string answer = database.execAndGet(name).getString();
    if (answer != pragma.answer) {
      throw SQLite::Exception(name + " is " + answer + " where " + pragma.answer +
                                  " was asked for: this SQLite cannot keep the farm's data safe",
                              SQLITE_ERROR);
    }
  }
}

}  // namespace

SQLite::Database open_writer(const std::filesystem::path& path) {
  SQLite::Database database(path.string(),
                            SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                            kBusyTimeoutMs, log_vfs_name());
  apply(database, kWriterPragmas);
  return database;
}

SQLite::Database open_reader(const std::filesystem::path& path) {
  SQLite::Database database(path, SQLite::OPEN_READONLY | SQLITE_OPEN_NOMUTEX, kBusyTimeoutMs);
  apply(database, kReaderPragmas);
  database.check(
      sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr));
  return database;
}

Error to_error(const SQLite::Exception& exception) {
  const std::string what = exception.what();
  switch (exception.getErrorCode() & 0xff) {  // the low byte is the kind, the rest details
    case SQLITE_FULL:
      return {Errc::io, what + ": the disk is full, free some space and start again"};
    case SQLITE_IOERR:
      return {Errc::io, what + ": the disk failed, look into the system's log"};
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {Errc::io, what + ": check that the folder exists and that this user may write to it"};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {Errc::corrupt, what + ": restore the last backup"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::busy, what + ": another program holds the database, close it"};
    default:
      return {Errc::io, what};
  }
}

}  // namespace pirouette::store
