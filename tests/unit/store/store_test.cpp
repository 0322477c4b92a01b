// What was committed is what is loaded, row for row, and nothing that is settled.

#include "coordinator/store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "coordinator/core/ledger.h"
#include "tests/unit/store/sample_farm.h"

namespace pirouette::store {
namespace {

template <typename Map>
void expect_same(const Map& a, const Map& b) {
  ASSERT_EQ(a.size(), b.size());
  auto other = b.begin();
  for (const auto& [id, row] : a) {
    EXPECT_EQ(id, other->first);
    EXPECT_TRUE(fields(row) == fields(other->second)) << "row " << id.value;
    ++other;
  }
}

class StoreTest : public testing::Test {
 protected:
  void SetUp() override { reopen(); }

  void reopen() {
    store_.reset();
    Result<std::unique_ptr<Store>> opened = Store::open(folder_.database());
    ASSERT_OK(opened);
    store_ = std::move(opened).value();
  }

  void commit(const std::vector<core::Write>& writes) { ASSERT_OK(store_->commit(writes)); }

  core::State reload() {
    reopen();
    Result<core::State> state = store_->load();
    EXPECT_TRUE(state.ok()) << state.error().what;
    return std::move(state).value();
  }

  Folder folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, ANewFarmIsEmptyAndCountsFromOne) {
  const core::State state = reload();
  EXPECT_TRUE(state.batches.empty() && state.jobs.empty() && state.workers.empty());
  EXPECT_EQ(state.next.batch, BatchId{1});
  EXPECT_EQ(state.next.event, EventId{1});
}

TEST_F(StoreTest, AFarmKeepsTheLeaseEpochThatItDrew) {
  const LeaseId first = reload().next.lease;
  EXPECT_GT(core::epoch_of(first), 0u);
  EXPECT_EQ(first.value & 0xFFFFFFFF, 1u);
  EXPECT_EQ(reload().next.lease, first);

  const Folder other;
  Result<std::unique_ptr<Store>> opened = Store::open(other.database());
  ASSERT_OK(opened);
  // Once in 500 million runs they are the same.
  EXPECT_NE(core::epoch_of(opened.value()->load().value().next.lease), core::epoch_of(first));
}

TEST_F(StoreTest, AnOlderFarmGoesOnInItsEpoch) {
  store_.reset();
  SQLite::Database(folder_.database(), SQLite::OPEN_READWRITE).exec("UPDATE fence SET lease = 7");
  EXPECT_EQ(reload().next.lease, LeaseId{8});
}

TEST_F(StoreTest, LoadsEveryColumnAsItWasWritten) {
  core::State farm;
  core::Batch batch = sample_batch(1, 2);
  batch.finished_at = Instant{INT64_MIN};
  batch.idle_only = batch.at_risk = true;
  batch.rendered = Duration{INT64_MAX};
  batch.rendered_at = Instant{-1};
  batch.ready_p50 = Instant{1};
  batch.ready_p90 = Instant{INT64_MAX};
  farm.batches[batch.id] = batch;
  for (const std::uint64_t n : {1, 2}) farm.sheets[{n}] = sample_sheet(n, batch.id);
  farm.sheets[{2}].proof = core::Proof::waiting;
  for (const std::uint64_t id : {1, 2, 3, 4}) {
    farm.poses[{id}] = sample_pose(id);
    farm.jobs[{id}] = sample_job(id, batch.id);
  }
  core::Job& job = farm.jobs[{2}];
  job.state = core::JobState::leased;
  job.attempts = job.losses = 2;
  job.lease = {9};
  job.worker = {3};
  job.leased_at = Instant{77};
  job.ended_at = Instant{0};
  job.result = digest_of(1);
  job.metrics = R"({"seconds":12.5})";
  job.error = "lost";
  farm.leases.emplace(JobId{2}, core::Lease{{7}, {2}, {2}, 1, Instant{70}});
  farm.leases.emplace(JobId{2}, core::Lease{{9}, {2}, {3}, 2, Instant{77}});
  for (const std::uint64_t id : {2, 3}) farm.workers[{id}] = sample_worker(id);
  farm.workers[{2}].tags = {"80gb", "a.b-c_d"};
  farm.workers[{2}].quarantine = "it failed, it said: \"no\"";

  std::vector<core::Write> writes = submission(batch, 1);
  writes.emplace_back(core::PutSheet{farm.sheets.at({2})});
  writes.emplace_back(core::PutJob{job});
  for (const auto& [id, row] : farm.leases) writes.emplace_back(core::PutLease{row});
  for (const auto& [id, row] : farm.workers) writes.emplace_back(core::PutWorker{row});
  writes.emplace_back(core::AppendEvent{sample_event(41)});
  commit(writes);

  const core::State loaded = reload();
  expect_same(farm.batches, loaded.batches);
  expect_same(farm.sheets, loaded.sheets);
  expect_same(farm.poses, loaded.poses);
  expect_same(farm.jobs, loaded.jobs);
  expect_same(farm.leases, loaded.leases);
  expect_same(farm.workers, loaded.workers);
  EXPECT_EQ(loaded.next.batch, BatchId{2});
  EXPECT_EQ(loaded.next.sheet, SheetId{3});
  EXPECT_EQ(loaded.next.pose, PoseId{5});
  EXPECT_EQ(loaded.next.job, JobId{5});
  EXPECT_GT(loaded.next.lease, LeaseId{9});
  EXPECT_EQ(loaded.next.worker, WorkerId{4});
  EXPECT_EQ(loaded.next.event, EventId{42});
}

TEST_F(StoreTest, EveryColumnThatMayChangeChanges) {
  commit(submission(sample_batch(1), 1));
  commit({core::PutWorker{sample_worker(1)}});

  core::Batch batch = sample_batch(1);
  batch.priority = 0;
  batch.deadline.reset();
  batch.state = core::BatchState::finished;
  batch.finished_at = Instant{9};
  batch.sheets_open = 0;
  batch.jobs_done = 1;
  batch.jobs_failed = 1;
  batch.jobs_cancelled = 1;
  batch.paused = true;
  batch.jobs = 4;
  batch.rendered = seconds(7);
  batch.rendered_at = Instant{11};
  batch.ready_p50 = Instant{12};
  batch.ready_p90 = Instant{13};
  batch.at_risk = true;
  core::Sheet sheet = sample_sheet(1, batch.id);
  sheet.state = core::SheetState::incomplete;
  sheet.version = 2;
  sheet.picture = {};
  sheet.thumbnail = digest_of(3);
  sheet.checks = "";
  sheet.proof = core::Proof::passed;
  core::Pose pose = sample_pose(1);
  pose.latest = pose.chosen = {2};
  pose.review = core::Review::rejected;
  pose.review_note = "a hand is missing";
  core::Job job = sample_job(1, batch.id);
  job.state = core::JobState::failed;
  job.attempts = job.failures = job.losses = UINT32_MAX;
  job.lease = {UINT64_MAX};
  job.worker = {1};
  job.queued_at.reset();
  job.leased_at = job.ended_at = Instant{1};
  job.result = digest_of(4);
  job.metrics = "{}";
  job.error = "why";
  core::Worker worker = sample_worker(1);
  worker.state = core::WorkerState::lost;
  worker.device_kind = worker.device_name = worker.engine_build = worker.residency = "other";
  worker.memory_bytes = worker.jobs_done = 1;
  worker.capacity = 0;
  worker.models = {};
  worker.loras = {"x"};
  worker.lora_cache_bytes = 0;
  worker.tags = {"night"};
  worker.quarantine = "it failed";
  worker.joined_at = worker.heard_at = Instant{8};
  worker.jobs_failed = 4;
  commit({core::PutBatch{batch}, core::PutSheet{sheet}, core::PutPose{pose}, core::PutJob{job},
          core::PutWorker{worker}});

  const core::State loaded = reload();
  EXPECT_TRUE(fields(loaded.batches.at({1})) == fields(batch));
  EXPECT_TRUE(fields(loaded.sheets.at({1})) == fields(sheet));
  EXPECT_TRUE(fields(loaded.poses.at({1})) == fields(pose));
  EXPECT_TRUE(fields(loaded.jobs.at({1})) == fields(job));
  EXPECT_TRUE(fields(loaded.workers.at({1})) == fields(worker));
}

TEST_F(StoreTest, LorasAreLoadedWithThoseThatAreRetired) {
  core::Lora ink = sample_lora(1, "ink"), wash = sample_lora(2, "wash");
  commit({core::PutLora{ink}, core::PutLora{wash}});
  expect_same(reload().loras, std::map<LoraId, core::Lora>{{ink.id, ink}, {wash.id, wash}});
  ink.retired_at = Instant{9};
  wash.trigger = "";
  const core::Lora other = sample_lora(3, "ink");
  commit({core::PutLora{ink}, core::PutLora{other}, core::PutLora{wash}});
  const core::State loaded = reload();
  expect_same(loaded.loras,
              std::map<LoraId, core::Lora>{{ink.id, ink}, {wash.id, wash}, {other.id, other}});
  EXPECT_EQ(loaded.next.lora, LoraId{4});
}

TEST_F(StoreTest, ANameStandsForOneLoraAtATime) {
  commit({core::PutLora{sample_lora(1, "ink")}});
  EXPECT_FALSE(store_->commit(std::vector<core::Write>{core::PutLora{sample_lora(2, "ink")}}).ok());
}

TEST_F(StoreTest, WhatSettledBatchesTookOfTheFarmIsLoaded) {
  core::Batch batch = sample_batch(1);
  commit(submission(batch, 1));
  batch.owner = "nightowl";
  batch.rendered = seconds(90);
  batch.rendered_at = Instant{5};
  commit({core::PutBatch{batch}});
  EXPECT_TRUE(reload().past_use.empty()) << "a batch in memory says it itself";
  batch.state = core::BatchState::cancelled;
  batch.sheets_open = 0;
  commit({core::PutBatch{batch}});
  const core::State loaded = reload();
  ASSERT_EQ(loaded.past_use.size(), 1u);
  EXPECT_EQ(loaded.past_use[0].owner, sample_batch(1).owner) << "an owner never changes";
  EXPECT_EQ(loaded.past_use[0].rendered, seconds(90));
  EXPECT_EQ(loaded.past_use[0].at, Instant{5});
}

TEST_F(StoreTest, AStoppedFarmIsStillStoppedAtTheNextStart) {
  EXPECT_EQ(reload().farm_stopped, "");
  core::LedgerRow row = sample_event(1);
  row.kind = core::ledger::kFarmStopped;
  row.detail = "the share is full";
  commit({core::AppendEvent{row}, core::AppendEvent{sample_event(2)}});
  EXPECT_EQ(reload().farm_stopped, "the share is full");
  row.id = {3};
  row.kind = core::ledger::kFarmResumed;
  commit({core::AppendEvent{row}});
  EXPECT_EQ(reload().farm_stopped, "");
}

TEST_F(StoreTest, ASettledBatchIsNotLoadedButRecalled) {
  core::Batch batch = sample_batch(1, 1);
  std::vector<core::Write> writes = submission(batch, 1);
  batch.state = core::BatchState::finished;
  batch.sheets_open = 0;
  batch.jobs_done = batch.jobs - 1;
  batch.jobs_cancelled = 1;
  writes.emplace_back(core::PutBatch{batch});
  commit(writes);
  const core::State loaded = reload();
  EXPECT_TRUE(loaded.batches.empty());
  const core::Submission known = loaded.submissions.at(batch.submission_key);
  EXPECT_EQ(known.batch, batch.id);
  EXPECT_EQ(known.digest, batch.submission);
  EXPECT_EQ(known.jobs, batch.jobs);

  for (const core::Recall& wanted : {core::Recall{{1}, {}, {}, {}}, core::Recall{{}, {1}, {}, {}},
                                     core::Recall{{}, {}, {2}, {}}}) {
    const core::State rows = store_->recall(wanted).value();
    ASSERT_EQ(rows.batches.size(), 1u);
    EXPECT_TRUE(fields(rows.batches.at({1})) == fields(batch));
    EXPECT_EQ(rows.sheets.size(), 1u);
    EXPECT_EQ(rows.poses.size(), 2u);
    EXPECT_EQ(rows.jobs.size(), 2u);
  }
  EXPECT_EQ(store_->recall({{2}, {}, {}, {}}).error().code, Errc::not_found);
}

TEST_F(StoreTest, ACancelledBatchThatIsPutTogetherAgainIsLoaded) {
  core::Batch batch = sample_batch(1, 1);
  batch.state = core::BatchState::cancelled;
  commit(submission(batch, 1));
  EXPECT_EQ(reload().batches.size(), 1u) << "a sheet of it is open";
  batch.sheets_open = 0;
  commit({core::PutBatch{batch}});
  EXPECT_TRUE(reload().batches.empty());
}

TEST_F(StoreTest, OfSeveralWritesToOneRowTheLastCounts) {
  core::Batch batch = sample_batch(1);
  std::vector<core::Write> writes = submission(batch, 1);
  batch.jobs_done = 1;
  writes.emplace_back(core::PutBatch{batch});
  core::Job job = sample_job(1, batch.id);
  job.state = core::JobState::leased;
  writes.emplace_back(core::PutJob{job});
  job.state = core::JobState::done;
  writes.emplace_back(core::PutJob{job});
  commit(writes);

  EXPECT_EQ(store_->stats().changes, 6u);  // a batch, a sheet, two poses, two jobs
  EXPECT_EQ(store_->stats().commits, 1u);
  const core::State loaded = reload();
  EXPECT_EQ(loaded.batches.at({1}).jobs_done, 1u);
  EXPECT_EQ(loaded.jobs.at({1}).state, core::JobState::done);
}

TEST_F(StoreTest, SettledBatchesAreNotLoaded) {
  std::uint64_t sheet = 1;
  const auto put = [&](std::uint64_t id, core::BatchState state, std::uint32_t done) {
    core::Batch batch = sample_batch(id);
    batch.state = state;
    batch.jobs_done = done;
    if (state != core::BatchState::running) batch.sheets_open = 0;
    commit(submission(batch, sheet++));
  };
  put(1, core::BatchState::finished, 2);   // settled
  put(2, core::BatchState::cancelled, 0);  // settled
  put(3, core::BatchState::finished, 1);   // a failed picture may still turn up
  put(4, core::BatchState::running, 2);    // its sheets are being put together

  const core::State loaded = reload();
  ASSERT_EQ(loaded.batches.size(), 2u);
  EXPECT_TRUE(loaded.batches.contains({3}) && loaded.batches.contains({4}));
  EXPECT_EQ(loaded.sheets.size(), 2u);
  EXPECT_EQ(loaded.poses.size(), 4u);
  EXPECT_EQ(loaded.jobs.size(), 4u);
  EXPECT_EQ(loaded.next.job, JobId{9}) << "numbers of settled batches are not used again";
}

TEST_F(StoreTest, LeasesOfDoneJobsAreNotLoadedAndTheirNumbersNotReused) {
  core::Job done = sample_job(1, {1});
  done.state = core::JobState::done;
  done.attempts = 1;
  core::Job failed = sample_job(2, {1});
  failed.state = core::JobState::failed;
  failed.attempts = 1;
  const LeaseId first = reload().next.lease;
  const LeaseId of_done{first.value + 49}, of_failed{first.value + 11};
  commit(submission(sample_batch(1), 1));
  commit({core::PutJob{done}, core::PutJob{failed},
          core::PutLease{{of_done, {1}, {1}, 1, Instant{1}}},
          core::PutLease{{of_failed, {2}, {1}, 1, Instant{1}}}});

  const core::State loaded = reload();
  ASSERT_EQ(loaded.leases.size(), 1u);
  EXPECT_EQ(loaded.leases.begin()->second.id, of_failed);
  EXPECT_EQ(loaded.next.lease, LeaseId{first.value + 50});
}

TEST_F(StoreTest, AFailedCommitLeavesNothing) {
  commit({core::AppendEvent{sample_event(1)}});
  // A sheet of a batch that is not there, after a row that would have been fine.
  const Result<void> result = store_->commit(std::vector<core::Write>{
      core::PutWorker{sample_worker(1)}, core::PutSheet{sample_sheet(1, {99})}});
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().what.find("FOREIGN KEY"), std::string::npos) << result.error().what;
  EXPECT_TRUE(reload().workers.empty());
}

TEST_F(StoreTest, TheLedgerIsNeverOverwritten) {
  commit({core::AppendEvent{sample_event(1)}});
  EXPECT_FALSE(store_->commit(std::vector<core::Write>{core::AppendEvent{sample_event(1)}}).ok());
  EXPECT_FALSE(store_
                   ->commit(std::vector<core::Write>{core::AppendEvent{sample_event(2)},
                                                     core::AppendEvent{sample_event(2)}})
                   .ok());
}

TEST_F(StoreTest, TheLogIsEmptiedAsItGrows) {
  commit(submission(sample_batch(1), 1));
  core::Job job = sample_job(1, {1});
  std::uint64_t longest = 0;
  for (int i = 0; i < 15; ++i) {
    job.metrics.assign(3'000'000, static_cast<char>('0' + i));  // SQLite skips equal pages
    commit({core::PutJob{job}});
    longest = std::max(longest, store_->stats().wal_bytes);
  }
  EXPECT_EQ(store_->stats().checkpoints, 1u);
  EXPECT_LT(longest, 40u << 20);
  EXPECT_LT(store_->stats().wal_bytes, 20u << 20) << "it started anew";
}

TEST_F(StoreTest, APauseEmptiesTheLogLongBeforeACommitMust) {
  commit(submission(sample_batch(1), 1));
  store_->rest();
  EXPECT_EQ(store_->stats().checkpoints, 0u) << "there is little in it";
  core::Job job = sample_job(1, {1});
  for (int i = 0; i < 20; ++i) {
    job.metrics.assign(5'000'000, static_cast<char>('0' + i));
    commit({core::PutJob{job}});
    store_->rest();
    store_->rest();
    EXPECT_EQ(store_->stats().checkpoints, i + 1u) << "once, as long as nothing is added";
    EXPECT_LT(store_->stats().wal_bytes, 10u << 20) << "it starts anew each time";
  }
}

TEST_F(StoreTest, RowsMayComeInAnyOrderOfTheirNumbers) {
  commit({core::PutWorker{sample_worker(3)}});
  commit({core::PutWorker{sample_worker(1)}, core::PutWorker{sample_worker(3)}});
  commit({core::PutWorker{sample_worker(2)}});
  EXPECT_EQ(reload().workers.size(), 3u);
  commit({core::PutWorker{sample_worker(3)}, core::PutWorker{sample_worker(4)}});
  EXPECT_EQ(reload().workers.size(), 4u);
}

// Files may grow to this and no further.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileLimit() { setrlimit(RLIMIT_FSIZE, &before_); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_F(StoreTest, ACheckpointThatFailsFailsNoCommit) {
  const auto append = [this](std::uint64_t first) {
    for (std::uint64_t id = first; id < first + 3; ++id) {
      core::LedgerRow row = sample_event(id);
      row.detail.assign(12'000'000, 'x');  // three of them are more than 32 MiB
      commit({core::AppendEvent{row}});
    }
  };
  append(1);
  EXPECT_EQ(store_->stats().checkpoints, 1u);
  {
    const FileLimit room_for_the_log_only(50'000'000);
    append(4);
  }
  EXPECT_EQ(store_->stats().checkpoints, 1u);
  append(7);
  EXPECT_EQ(store_->stats().checkpoints, 2u) << "it is tried again";
  EXPECT_EQ(reload().next.event, EventId{10});
}

// The files as a power cut leaves them: copied while the farm runs.
TEST_F(StoreTest, ALaidOutLogDoesNotGrowAndIsReadAsFarAsItWasWritten) {
  const auto log_bytes = [this] {
    return std::filesystem::file_size(folder_.database().string() + "-wal");
  };
  commit(submission(sample_batch(1), 1));
  store_->lay_out_log();
  const auto bytes = log_bytes();
  EXPECT_GT(bytes, 32u << 20) << "up to where it is emptied";
  commit({core::AppendEvent{sample_event(1)}});
  EXPECT_EQ(log_bytes(), bytes);

  const Folder other;
  for (const std::string suffix : {"", "-wal"}) {
    std::filesystem::copy_file(folder_.database().string() + suffix,
                               other.database().string() + suffix);
  }
  const auto opened = Store::open(other.database());
  ASSERT_OK(opened);
  const auto state = opened.value()->load();
  ASSERT_OK(state);
  EXPECT_EQ(state.value().batches.size(), 1u);
  EXPECT_EQ(state.value().next.event, EventId{2});
}

TEST_F(StoreTest, AStateThatDoesNotExistIsCorruptAndNamed) {
  commit(submission(sample_batch(1), 1));
  store_.reset();
  {
    SQLite::Database(folder_.database(), SQLite::OPEN_READWRITE)
        .exec("UPDATE job SET state = 17 WHERE id = 2");
  }
  reopen();
  const Result<core::State> state = store_->load();
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.error().code, Errc::corrupt);
  EXPECT_NE(state.error().what.find("column state"), std::string::npos) << state.error().what;
}

}  // namespace
}  // namespace pirouette::store
