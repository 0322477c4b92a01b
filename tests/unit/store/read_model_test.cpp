// What the API reads: pages by key, joined rows, counts; also while a writer commits.

#include "coordinator/store/read_model.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/store/sample_farm.h"

namespace pirouette::store {
namespace {

class ReadModelTest : public testing::Test {
 protected:
  void SetUp() override {
    auto store = Store::open(folder_.database());
    ASSERT_OK(store);
    store_ = std::move(store).value();
    auto model = ReadModel::open(folder_.database());
    ASSERT_OK(model);
    model_ = std::move(model).value();
  }

  void commit(const std::vector<core::Write>& writes) { ASSERT_OK(store_->commit(writes)); }

  // Batch 1 with 3 sheets: job 1 done, 2 leased, 3 failed, 4 to 6 queued; two workers.
  void put_farm() {
    core::Batch batch = sample_batch(1, 3);
    commit(submission(batch, 1));
    commit({core::PutWorker{sample_worker(1)}, core::PutWorker{sample_worker(2)}});
    core::Job leased = sample_job(2, {1}), failed = sample_job(3, {1});
    leased.state = core::JobState::leased;
    leased.worker = {2};
    leased.lease = {5};
    failed.state = core::JobState::failed;
    commit(completion(batch, 1, {1}));
    batch.jobs_failed = 1;
    commit({core::PutJob{leased}, core::PutJob{failed}, core::PutBatch{batch}});
  }

  Folder folder_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<ReadModel> model_;
};

std::vector<std::uint64_t> ids_of(const Result<std::vector<BatchRow>>& page) {
  std::vector<std::uint64_t> ids;
  for (const BatchRow& row : page.value()) ids.push_back(row.batch.id.value);
  return ids;
}

using Ids = std::vector<std::uint64_t>;

TEST_F(ReadModelTest, AnEmptyFarmHasEmptyPages) {
  EXPECT_TRUE(model_->batches({}, 50).value().empty());
  EXPECT_TRUE(model_->workers({}, 50).value().empty());
  EXPECT_TRUE(model_->events({}, 50).value().empty());
  EXPECT_EQ(model_->last_event().value(), EventId{});
  EXPECT_EQ(model_->counts().value().queued, 0u);
  EXPECT_EQ(model_->batch({1}).error().code, Errc::not_found);
  EXPECT_EQ(model_->sheet({1}).error().code, Errc::not_found);
  EXPECT_EQ(model_->sheets({1}, {}, 50).error().code, Errc::not_found);
}

TEST_F(ReadModelTest, PagesStayInPlaceWhileBatchesAreAdded) {
  std::uint64_t sheet = 1;
  for (std::uint64_t id = 1; id <= 5; ++id) commit(submission(sample_batch(id), sheet++));
  EXPECT_EQ(ids_of(model_->batches({}, 2)), (Ids{5, 4}));
  commit(submission(sample_batch(6), sheet++));
  EXPECT_EQ(ids_of(model_->batches({4}, 2)), (Ids{3, 2}));
  EXPECT_EQ(ids_of(model_->batches({2}, 2)), (Ids{1}));
  EXPECT_EQ(ids_of(model_->batches({1}, 2)), (Ids{}));
}

TEST_F(ReadModelTest, SheetsComeInPagesWithTheirPosesAndTakes) {
  put_farm();
  const SheetPage first = model_->sheets({1}, {}, 2).value();
  ASSERT_EQ(first.sheets.size(), 2u);
  EXPECT_EQ(first.batch.recipe->views.size(), 2u);
  EXPECT_TRUE(fields(first.sheets[0].sheet) == fields(sample_sheet(1, {1})));
  ASSERT_EQ(first.sheets[0].poses.size(), 2u);
  ASSERT_EQ(first.sheets[1].poses.size(), 2u);

  const PoseRow& done = first.sheets[0].poses[0];
  ASSERT_TRUE(done.chosen.has_value());
  EXPECT_EQ(done.chosen->id, JobId{1});
  EXPECT_EQ(done.chosen->result, digest_of(7));
  EXPECT_EQ(done.chosen_worker, "gpu-1");
  const PoseRow& leased = first.sheets[0].poses[1];
  EXPECT_EQ(leased.latest.state, core::JobState::leased);
  EXPECT_EQ(leased.latest_worker, "gpu-2");
  EXPECT_FALSE(leased.chosen.has_value());
  EXPECT_EQ(leased.latest.seed, (std::uint64_t{1} << 63) + 2);

  const SheetPage second = model_->sheets({1}, {2}, 2).value();
  ASSERT_EQ(second.sheets.size(), 1u);
  EXPECT_EQ(second.sheets[0].sheet.id, SheetId{3});
  EXPECT_EQ(second.sheets[0].poses[1].pose.id, PoseId{6});

  EXPECT_EQ(model_->sheet({2}).value().sheets.at(0).sheet.id, SheetId{2});
  EXPECT_EQ(model_->delivery({1}).value().page.sheets.size(), 3u);
}

TEST_F(ReadModelTest, ASheetShowsEveryTake) {
  put_farm();
  core::Job again = sample_job(7, {1});
  again.pose = {1};
  again.sheet = {1};
  again.take = 2;
  core::Pose pose = sample_pose(1);
  pose.latest = {7};
  pose.chosen = {1};
  commit({core::PutJob{again}, core::PutPose{pose}});

  const std::vector<core::Job> takes = model_->takes(SheetId{1}).value();
  ASSERT_EQ(takes.size(), 3u);
  EXPECT_EQ(takes.back().take, 2u);
  const DeliveryRows delivery = model_->delivery({1}).value();
  const std::vector<TakeRow>& delivered = delivery.takes.at({1});
  ASSERT_EQ(delivered.size(), 2u);
  EXPECT_EQ(delivered[0].job.id, JobId{1});
  EXPECT_EQ(delivered[0].worker, "gpu-1");
  EXPECT_EQ(delivered[1].job.take, 2u);
  const PoseRow row = model_->sheet({1}).value().sheets.at(0).poses.at(0);
  EXPECT_EQ(row.latest.id, JobId{7});
  EXPECT_EQ(row.chosen->id, JobId{1});
}

TEST_F(ReadModelTest, CountsWhatWaitsRunsAndIsDone) {
  put_farm();
  core::Batch cancelled = sample_batch(2);
  cancelled.state = core::BatchState::cancelled;
  commit(submission(cancelled, 4));
  const Counts counts = model_->counts().value();
  EXPECT_EQ(counts.queued, 3u);
  EXPECT_EQ(counts.running, 1u);
  EXPECT_EQ(counts.done, 1u);
  EXPECT_EQ(counts.failed, 1u);
  EXPECT_EQ(counts.jobs, 8u);
  EXPECT_EQ(counts.batches_running, 1u);
  EXPECT_EQ(counts.workers_online, 2u);
  EXPECT_EQ(model_->batch({1}).value().jobs_running, 1u);
  EXPECT_EQ(model_->batch({1}).value().jobs_held, 0u);
}

TEST_F(ReadModelTest, WorkersShowWhatTheyRender) {
  put_farm();
  const std::vector<WorkerRow> workers = model_->workers({}, 50).value();
  ASSERT_EQ(workers.size(), 2u);
  EXPECT_TRUE(fields(workers[1].worker) == fields(sample_worker(2)));
  EXPECT_TRUE(workers[0].leases.empty());
  ASSERT_EQ(workers[1].leases.size(), 1u);
  EXPECT_EQ(workers[1].leases[0].job.id, JobId{2});
  EXPECT_EQ(workers[1].leases[0].character, "knight_1");
  EXPECT_EQ(workers[1].leases[0].view_id, standard_views()[2].id);
  EXPECT_EQ(model_->workers({1}, 50).value().size(), 1u);
  EXPECT_EQ(model_->workers({1}, 50).value()[0].leases.size(), 1u);
  EXPECT_TRUE(model_->workers({}, 1).value()[0].leases.empty());
  const std::vector<WorkerRow> alone = model_->workers_alone({}, 50).value();
  ASSERT_EQ(alone.size(), 2u);
  EXPECT_TRUE(fields(alone[1].worker) == fields(sample_worker(2)));
  EXPECT_TRUE(alone[1].leases.empty());
}

TEST_F(ReadModelTest, TheMeanIsWhatTheBatchWasChargedWithAJob) {
  core::Batch batch = sample_batch(1, 3);
  batch.state = core::BatchState::running;
  batch.jobs_done = batch.jobs_failed = 0;
  batch.rendered = {};
  commit(submission(batch, 1));
  EXPECT_FALSE(model_->batch({1}).value().job_mean.has_value());
  batch.rendered = seconds(30);
  batch.jobs_done = 2;
  batch.jobs_failed = 1;
  commit({core::PutBatch{batch}});
  EXPECT_EQ(model_->batch({1}).value().job_mean, seconds(10));
  EXPECT_EQ(model_->batches({}, 1).value().at(0).job_mean, seconds(10));
  batch.state = core::BatchState::cancelled;
  commit({core::PutBatch{batch}});
  EXPECT_FALSE(model_->batch({1}).value().job_mean.has_value());
}

TEST_F(ReadModelTest, TheLedgerIsReadOnFromAnyRow) {
  for (std::uint64_t id = 1; id <= 5; ++id) commit({core::AppendEvent{sample_event(id)}});
  EXPECT_EQ(model_->last_event().value(), EventId{5});
  const std::vector<core::LedgerRow> rows = model_->events({2}, 2).value();
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_TRUE(fields(rows[0]) == fields(sample_event(3)));
  EXPECT_EQ(rows[1].id, EventId{4});
}

TEST_F(ReadModelTest, ARecipeThatCannotBeReadIsAnErrorNotACrash) {
  commit(submission(sample_batch(1), 1));
  SQLite::Database(folder_.database(), SQLite::OPEN_READWRITE)
      .exec("UPDATE batch SET recipe = '{\"steps\":'");
  EXPECT_EQ(model_->batch({1}).error().code, Errc::corrupt);
  EXPECT_TRUE(model_->events({}, 1).ok()) << "its connection is still of use";
}

// Each commit finishes one job, so in every snapshot the batch's count, the done jobs and the
// newest event must agree.
TEST_F(ReadModelTest, ReadersSeeWholeCommitsWhileTheWriterGoesOn) {
  constexpr std::uint32_t kSheets = 100;
  core::Batch batch = sample_batch(1, kSheets);
  commit(submission(batch, 1));
  std::atomic<bool> writing{true};
  std::atomic<int> reads{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; ++i) {  // more than there are connections
    threads.emplace_back([&] {
      while (writing) {
        const Result<DeliveryRows> rows = model_->delivery({1});
        ASSERT_OK(rows);
        const SheetPage& page = rows.value().page;
        std::uint32_t done = 0;
        for (const SheetRow& sheet : page.sheets) {
          for (const PoseRow& pose : sheet.poses) done += pose.chosen.has_value();
        }
        EXPECT_EQ(done, page.batch.jobs_done);
        ++reads;
      }
    });
  }
  for (std::uint64_t id = 1; id <= 2 * kSheets; ++id) commit(completion(batch, id, {id}));
  writing = false;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(reads, 0);
  EXPECT_EQ(model_->batch({1}).value().batch.jobs_done, 2 * kSheets);
}

}  // namespace
}  // namespace pirouette::store
