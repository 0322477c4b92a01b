// Jobs by what is wanted of them: their order, and pages that end before they have looked at a
// million rows.

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include "coordinator/store/read_model.h"
#include "tests/unit/store/sample_farm.h"

namespace pirouette::store {
namespace {

class ReadJobs : public testing::Test {
 protected:
  void SetUp() override {
    auto store = Store::open(folder_.database());
    ASSERT_OK(store);
    store_ = std::move(store).value();
    commit(submission(sample_batch(1, 3), 1));
    commit({core::PutWorker{sample_worker(1)}});
    auto model = ReadModel::open(folder_.database());
    ASSERT_OK(model);
    model_ = std::move(model).value();
  }
  void commit(const std::vector<core::Write>& writes) { ASSERT_OK(store_->commit(writes)); }

  std::vector<std::uint64_t> ids(const JobFilter& filter, JobId after = {},
                                 std::size_t limit = 50) const {
    std::vector<std::uint64_t> all;
    const JobPage page = model_->jobs(filter, after, limit).value();
    for (const JobRow& row : page.jobs) all.push_back(row.job.id.value);
    return all;
  }

  Folder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ReadModel> model_;
};

using Ids = std::vector<std::uint64_t>;

TEST_F(ReadJobs, ALaterTakeStandsWithItsSheet) {
  core::Job retake = sample_job(1, {1});
  retake.id = {7};
  retake.take = 2;
  commit({core::PutJob{retake}});
  EXPECT_EQ(ids({}), (Ids{1, 2, 7, 3, 4, 5, 6}));
  EXPECT_EQ(ids({}, {7}), (Ids{3, 4, 5, 6}));
  JobFilter queued, of_sheet;
  queued.state = core::JobState::queued;
  of_sheet.sheet = {1};
  EXPECT_EQ(ids(queued, {2}, 2), (Ids{7, 3}));
  EXPECT_EQ(ids(of_sheet, {2}), (Ids{7}));
  const std::vector<JobRow> takes = model_->takes(PoseId{1}).value();
  ASSERT_EQ(takes.size(), 2u);
  EXPECT_EQ(takes[1].job.id, JobId{7});
  EXPECT_EQ(takes[1].character, "knight_1");
  EXPECT_EQ(model_->jobs({}, {99}, 1).error().code, Errc::invalid);
  EXPECT_EQ(model_->takes(PoseId{99}).error().code, Errc::not_found);
  EXPECT_EQ(model_->job({99}).error().code, Errc::not_found);
}

TEST_F(ReadJobs, AFilterThatFindsLittleEndsItsPageAndGoesOn) {
  SQLite::Database database(folder_.database(), SQLite::OPEN_READWRITE);
  // 45,000 jobs of another worker, and one of worker 1 behind them.
  database.exec(
      "WITH RECURSIVE n(id) AS (SELECT 100 UNION ALL SELECT id + 1 FROM n WHERE id < 45100)"
      " INSERT INTO job SELECT n.id, 3, n.id / 8 + 3, 1, 2, 0, '', 3, 1, 0, 0, NULL, iif(n.id = "
      "45100, 1, 2),"
      " NULL, 5, 6, NULL, '', '' FROM n");
  database.exec("CREATE TEMP TABLE other AS SELECT * FROM sheet WHERE id = 1");
  database.exec("UPDATE other SET id = 45100 / 8 + 3");
  database.exec("INSERT INTO sheet SELECT * FROM other");
  JobFilter filter;
  filter.worker = {1};
  Ids found;
  int pages = 0;
  std::optional<JobId> next = JobId{};
  while (next) {
    const JobPage page = model_->jobs(filter, *next, 10).value();
    for (const JobRow& row : page.jobs) found.push_back(row.job.id.value);
    next = page.next;
    ASSERT_LT(++pages, 10);
  }
  EXPECT_EQ(found, (Ids{45100}));
  EXPECT_EQ(pages, 3) << "20,000 rows a page";
}

TEST_F(ReadJobs, WhatGoesBeforeAJobIsCountedByRank) {
  core::Batch first = sample_batch(2), later = sample_batch(3), own = sample_batch(4);
  first.priority = 101;
  commit(submission(first, 4));
  commit(submission(later, 5));
  commit(submission(own, 6));
  core::Batch before = sample_batch(1, 3);
  const Ahead ahead = model_->ahead_of(sample_job(12, {4})).value();
  EXPECT_EQ(ahead.jobs, before.jobs + first.jobs + later.jobs + 1);
  EXPECT_EQ(ahead.of_priority, first.jobs);
  EXPECT_EQ(ahead.by_share, 0u) << "they are all one owner's";
  EXPECT_TRUE(ahead.counted);
}

TEST_F(ReadJobs, WhatOthersSharesDecideIsCountedApart) {
  core::Batch own = sample_batch(2), others = sample_batch(3), idle = sample_batch(4);
  others.owner = "nightowl";
  idle.idle_only = true;
  commit(submission(own, 4));
  commit(submission(others, 5));
  commit(submission(idle, 6));
  const core::Batch before = sample_batch(1, 3);
  Ahead ahead = model_->ahead_of(sample_job(7, own.id)).value();
  EXPECT_EQ(ahead.jobs, before.jobs) << "its owner's, submitted before";
  EXPECT_EQ(ahead.by_share, others.jobs) << "not what takes only idle capacity";
  ahead = model_->ahead_of(sample_job(11, idle.id)).value();
  EXPECT_EQ(ahead.jobs, before.jobs + own.jobs + others.jobs) << "all goes before idle work";
  EXPECT_EQ(ahead.of_priority, 0u);
  EXPECT_EQ(ahead.by_share, 0u);
}

TEST_F(ReadJobs, RunningBatchesComeInTheOrderInWhichWorkersGetThem) {
  core::Batch urgent = sample_batch(2);
  urgent.priority = 101;
  core::Batch over = sample_batch(3);
  over.state = core::BatchState::finished;
  over.sheets_open = 0;
  commit(submission(urgent, 4));
  commit(submission(over, 5));
  std::vector<std::uint64_t> all;
  const std::vector<BatchRow> running = model_->running_batches(10).value();
  for (const BatchRow& row : running) all.push_back(row.batch.id.value);
  EXPECT_EQ(all, (Ids{2, 1}));
}

}  // namespace
}  // namespace pirouette::store
