// The log that gathers: a connection sees at once what it wrote itself, and others see a commit.

#include "coordinator/store/log_vfs.h"

#include <gtest/gtest.h>

#include <string>

#include "coordinator/store/connection.h"
#include "tests/unit/store/sample_farm.h"

namespace pirouette::store {
namespace {

constexpr int kRowBytes = 3000;

std::int64_t sum(SQLite::Database& database) {
  return database.execAndGet("SELECT coalesce(sum(length(bytes)), 0) FROM t").getInt64();
}

void add(SQLite::Database& database, int rows) {
  SQLite::Statement insert(database, "INSERT INTO t (bytes) VALUES (?)");
  for (int i = 0; i < rows; ++i) {
    insert.bind(1, std::string(kRowBytes, static_cast<char>('a' + i % 26)));
    insert.exec();
    insert.reset();
  }
}

TEST(LogVfs, EveryCommitIsSeenByOtherConnectionsWhateverItsSize) {
  const Folder folder;
  SQLite::Database writer = open_writer(folder.database());
  writer.exec("CREATE TABLE t (bytes TEXT)");
  SQLite::Database reader = open_reader(folder.database());
  std::int64_t bytes = 0;
  for (const int rows : {1, 3, 39, 40, 41, 200, 1}) {
    SQLite::Transaction transaction(writer);
    add(writer, rows);
    EXPECT_EQ(sum(reader), bytes) << "before the commit";
    transaction.commit();
    bytes += rows * kRowBytes;
    EXPECT_EQ(sum(reader), bytes) << rows << " rows";
  }
  EXPECT_EQ(reader.execAndGet("PRAGMA integrity_check").getString(), "ok");
}

// With a cache of ten pages the rest goes to the log before the commit, and is read from there.
TEST(LogVfs, ALongTransactionReadsWhatItHasWrittenAndCanBeTakenBack) {
  const Folder folder;
  SQLite::Database writer = open_writer(folder.database());
  writer.exec("CREATE TABLE t (bytes TEXT)");
  writer.exec("PRAGMA cache_size = 10");
  SQLite::Database reader = open_reader(folder.database());
  {
    SQLite::Transaction transaction(writer);
    add(writer, 300);
    EXPECT_EQ(sum(writer), 300 * kRowBytes);
    EXPECT_EQ(sum(reader), 0);
  }
  EXPECT_EQ(sum(writer), 0);
  SQLite::Transaction transaction(writer);
  add(writer, 300);
  writer.exec("UPDATE t SET bytes = bytes || 'z'");  // pages of this transaction once more
  EXPECT_EQ(sum(writer), 300 * (kRowBytes + 1));
  transaction.commit();
  EXPECT_EQ(sum(reader), 300 * (kRowBytes + 1));
}

TEST(LogVfs, WhatWasCommittedIsThereAfterTheLogWasCopiedAndBegunAnew) {
  const Folder folder;
  {
    SQLite::Database writer = open_writer(folder.database());
    writer.exec("CREATE TABLE t (bytes TEXT)");
    for (int i = 0; i < 5; ++i) {
      add(writer, 20);
      writer.exec("PRAGMA wal_checkpoint(RESTART)");
    }
    add(writer, 1);
  }
  SQLite::Database again = open_writer(folder.database());
  EXPECT_EQ(sum(again), 101 * kRowBytes);
}

}  // namespace
}  // namespace pirouette::store
