// Who may open a database: one coordinator at a time, of this version or a newer one.

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "common/files.h"
#include "coordinator/store/migrate.h"
#include "coordinator/store/store.h"
#include "db/migrations.h"
#include "tests/unit/store/sample_farm.h"

namespace pirouette::store {
namespace {

constexpr Migration kFirst{"0001_a.sql", "CREATE TABLE a (x); CREATE TABLE b (x);"};
constexpr Migration kSecond{"0002_b.sql", "ALTER TABLE a ADD COLUMN y;"};

SQLite::Database open_raw(const Folder& folder) {
  return {folder.database(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
}

Result<void> run(SQLite::Database& database, std::vector<Migration> migrations) {
  return migrate(database, migrations);
}

TEST(Migrations, RunOnceAndGoOnWhereTheyStopped) {
  const Folder folder;
  SQLite::Database database = open_raw(folder);
  ASSERT_OK(run(database, {kFirst}));
  ASSERT_OK(run(database, {kFirst}));
  ASSERT_OK(run(database, {kFirst, kSecond}));
  ASSERT_OK(run(database, {kFirst, kSecond}));
  EXPECT_EQ(database.execAndGet("SELECT count(*) FROM migration").getInt(), 2);
  database.exec("INSERT INTO a (x, y) VALUES (1, 2)");
}

TEST(Migrations, ANewerDatabaseIsRefused) {
  const Folder folder;
  SQLite::Database database = open_raw(folder);
  ASSERT_OK(run(database, {kFirst, kSecond}));
  const Result<void> result = run(database, {kFirst});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Errc::conflict);
  EXPECT_NE(result.error().what.find("0002_b.sql"), std::string::npos) << result.error().what;
}

TEST(Migrations, AnEditedMigrationIsRefused) {
  const Folder folder;
  SQLite::Database database = open_raw(folder);
  ASSERT_OK(run(database, {kFirst}));
  EXPECT_FALSE(run(database, {{kFirst.first, "CREATE TABLE a (z);"}}).ok());
}

TEST(Migrations, AnotherProgramsFileIsRefused) {
  const Folder folder;
  SQLite::Database database = open_raw(folder);
  database.exec("CREATE TABLE bookmarks (url)");
  EXPECT_FALSE(run(database, {kFirst}).ok());
  EXPECT_FALSE(database.tableExists("a"));
}

TEST(Migrations, OneThatFailsLeavesNothing) {
  const Folder folder;
  SQLite::Database database = open_raw(folder);
  EXPECT_THROW((void)run(database, {{"0001_a.sql", "CREATE TABLE a (x); nonsense;"}}),
               SQLite::Exception);
  EXPECT_FALSE(database.tableExists("a"));
}

// A farm as an older program left it: its work goes on, with nothing of what that did not know.
TEST(Migrations, AFarmFromBeforeSharesAndProofsGoesOn) {
  const Folder folder;
  {
    SQLite::Database database = open_raw(folder);
    const auto before = std::ranges::find_if(
        kMigrations, [](const Migration& one) { return one.first.starts_with("0005"); });
    ASSERT_OK(migrate(database, {kMigrations.begin(), before}));
    database.exec(
        "INSERT INTO batch (id, name, owner, priority, recipe, state, submitted_at, sheets,"
        " sheets_open, jobs, jobs_done, jobs_failed)"
        " VALUES (1, 'night', 'ada', 50, '{}', 0, 5, 1, 1, 2, 0, 0);"
        "INSERT INTO sheet (id, batch, position, character, notes, reference, state, first_pose,"
        " poses, version, checks)"
        " VALUES (1, 1, 0, 'knight', '', zeroblob(32), 0, 1, 0, 0, '');"
        "INSERT INTO worker (id, name, state, device_kind, device_name, memory_bytes,"
        " engine_build, capacity, models, loras, residency, joined_at, heard_at, jobs_done,"
        " jobs_failed) VALUES (1, 'gpu-1', 0, '', '', 0, '', 2, '[]', '[]', '', 5, 6, 0, 0);");
  }
  const auto store = Store::open(folder.database());
  ASSERT_OK(store);
  const auto loaded = store.value()->load();
  ASSERT_OK(loaded);
  const core::Batch& batch = loaded.value().batches.at({1});
  EXPECT_FALSE(batch.idle_only || batch.at_risk || batch.rendered_at || batch.ready_p50 ||
               batch.ready_p90);
  EXPECT_EQ(batch.rendered, Duration{});
  EXPECT_EQ(batch.recipe->proof, "");
  EXPECT_EQ(loaded.value().sheets.at({1}).proof, core::Proof::none);
  const core::Worker& worker = loaded.value().workers.at({1});
  EXPECT_TRUE(worker.tags.empty() && worker.quarantine.empty());
  EXPECT_EQ(loaded.value().farm_stopped, "");
}

TEST(Open, AFileThatIsNoDatabaseIsRefused) {
  const Folder folder;
  ASSERT_OK(write_file_durably(
      folder.database(),
      std::string_view("this is a letter, not a farm, and longer than one line of a header is")));
  const auto opened = Store::open(folder.database());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, Errc::corrupt) << opened.error().what;
}

TEST(Open, AFolderThatIsNotThereIsNamed) {
  const Folder folder;
  const auto opened = Store::open(folder.database().parent_path() / "missing" / "farm.db");
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().what.find("missing/farm.db"), std::string::npos);
}

TEST(Open, ASecondCoordinatorIsRefusedByName) {
  const Folder folder;
  auto first = Store::open(folder.database());
  ASSERT_OK(first);
  const auto second = Store::open(folder.database());
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Errc::conflict);
  EXPECT_NE(second.error().what.find("process " + std::to_string(::getpid())), std::string::npos)
      << second.error().what;

  first = Error{Errc::cancelled, "closed"};
  EXPECT_TRUE(Store::open(folder.database()).ok()) << "the lock goes with the store";
}

// A child commits, tells how far it came, and is killed in the middle of what follows.
TEST(Crash, AKillInMidTransactionLosesNothingCommitted) {
  const Folder folder;
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::close(told[0]);
    auto store = Store::open(folder.database());
    if (!store.ok()) ::_exit(1);
    for (std::uint64_t id = 1;; ++id) {
      const std::vector<core::Write> writes = submission(sample_batch(id, 20), 20 * id - 19);
      if (!std::move(store).value()->commit(writes).ok()) ::_exit(1);
      if (::write(told[1], &id, sizeof id) != sizeof id) ::_exit(1);
    }
  }
  ::close(told[1]);
  std::uint64_t committed = 0;
  while (committed < 50 && ::read(told[0], &committed, sizeof committed) == sizeof committed) {
  }
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child could not write";
  std::uint64_t later = 0;
  while (::read(told[0], &later, sizeof later) == sizeof later) committed = later;
  ::close(told[0]);

  auto store = Store::open(folder.database());
  ASSERT_OK(store);
  const Result<core::State> state = store.value()->load();
  ASSERT_OK(state);
  const core::State& farm = state.value();
  const std::uint64_t batches = farm.batches.size();
  EXPECT_GE(batches, committed);
  EXPECT_LE(batches, committed + 1) << "at most the one that nobody was told of";
  EXPECT_EQ(farm.sheets.size(), 20 * batches) << "a transaction is there as a whole or not";
  EXPECT_EQ(farm.jobs.size(), 40 * batches);
}

}  // namespace
}  // namespace pirouette::store
