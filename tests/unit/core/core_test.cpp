// What is awkward to say in a transcript: rows, limits, hostile input. The scenarios of tests/sim
// tell the rest.

#include "coordinator/core/core.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coordinator/core/invariants.h"

namespace pirouette::core {
namespace {

constexpr Instant kStart{1'767'225'600'000'000};
constexpr LinkId kLink{7};

class CoreTest : public testing::Test {
 protected:
  Effects step(const Event& event) {
    Effects effects = core_.step(event, now_);
    const auto broken = core_.find_broken_invariants();
    EXPECT_TRUE(broken.empty()) << broken.front();
    return effects;
  }

  static BatchSubmitted batch(std::size_t sheets, std::size_t views) {
    BatchSubmitted event;
    event.request = {1};
    event.batch.name = "batch";
    event.batch.recipe.model = "tiny";
    event.batch.recipe.prompt = "{view}";
    for (std::size_t i = 0; i < views; ++i) {
      event.batch.recipe.views.push_back({"v" + std::to_string(i), 0, "view", "", "front", "left"});
    }
    for (std::size_t i = 0; i < sheets; ++i) {
      event.batch.sheets.push_back({"c" + std::to_string(i), sha256("c"), "", std::nullopt});
    }
    return event;
  }

  static WorkerSaidHello hello(std::uint32_t capacity, LinkId link = kLink) {
    WorkerSaidHello event;
    event.link = link;
    event.name = "w";
    event.capacity = capacity;
    event.models = {"tiny"};
    return event;
  }

  static LeaseFinished finish(std::uint64_t lease, std::uint64_t job) {
    return {kLink, {lease}, {job}, sha256(std::to_string(lease)), "{}", true};
  }

  template <typename Row>
  static std::size_t count(const std::vector<Write>& writes) {
    std::size_t found = 0;
    for (const Write& write : writes) found += std::holds_alternative<Row>(write) ? 1 : 0;
    return found;
  }

  Instant now_ = kStart;
  Core core_{State{}, Policy{}, kStart};
};

TEST_F(CoreTest, ASubmissionIsOneLedgerRowAndOneRowAThing) {
  const Effects effects = step(batch(3, 4));
  EXPECT_EQ(count<PutBatch>(effects.writes), 1u);
  EXPECT_EQ(count<PutSheet>(effects.writes), 3u);
  EXPECT_EQ(count<PutPose>(effects.writes), 12u);
  EXPECT_EQ(count<PutJob>(effects.writes), 12u);
  EXPECT_EQ(count<AppendEvent>(effects.writes), 1u);
}

TEST_F(CoreTest, ABatchOfNothingIsRefusedAndLeavesNothing) {
  const Effects effects = step(batch(0, 3));
  ASSERT_EQ(effects.replies.size(), 1u);
  EXPECT_EQ(std::get<Error>(effects.replies[0].answer).code, Errc::invalid);
  EXPECT_TRUE(effects.writes.empty());
  EXPECT_TRUE(core_.state().batches.empty());
}

TEST_F(CoreTest, AWorkerThatClaimsEndlessRoomDoesNotHoardTheQueue) {
  step(batch(600, 2));
  const Effects effects = step(hello(4'000'000'000));
  std::size_t assigned = 0;
  for (const Send& send : effects.sends) {
    assigned += std::holds_alternative<SendAssign>(send) ? 1 : 0;
  }
  EXPECT_EQ(assigned, 1024u);
}

// Six pictures of 40 s each, and then one that comes at once.
TEST_F(CoreTest, APictureThatCameTooFastIsTurnedAwayHoweverOftenItComes) {
  step(hello(1));
  step(batch(1, 8));
  for (std::uint64_t lease = 1; lease <= 7; ++lease) {
    for (int second = 0; second < 40; ++second) {
      now_ = now_ + seconds(1);
      step(WorkerWasHeard{kLink, ""});
      step(Ticked{});
    }
    step(finish(lease, lease));
  }
  now_ = now_ + seconds(1);
  for (int times = 0; times < 2; ++times) {
    const Effects effects = step(finish(8, 8));
    EXPECT_NE(core_.state().jobs.at(JobId{8}).state, JobState::done);
    EXPECT_TRUE(std::ranges::any_of(effects.sends, [](const Send& send) {
      const auto* acknowledged = std::get_if<SendAcknowledged>(&send);
      return acknowledged && acknowledged->duplicate;
    })) << "so that its worker forgets it";
  }
  EXPECT_EQ(core_.state().jobs.at(JobId{8}).failures, 1u);
}

// The clock of the machine went wrong while the coordinator was away: what was leased before then
// may seem to begin in the future.
TEST_F(CoreTest, WhatWasLeasedBeforeAStartIsNeverTooFast) {
  step(hello(1));
  step(batch(1, 8));
  for (std::uint64_t lease = 1; lease <= 7; ++lease) {
    now_ = now_ + seconds(40);
    step(finish(lease, lease));
  }
  const Instant earlier = now_ - seconds(3600);
  Core restarted(core_.state(), Policy{}, earlier);
  WorkerSaidHello again = hello(1, LinkId{8});
  again.held = {{{8}, {8}}};
  restarted.step(again, earlier);
  LeaseFinished finished = finish(8, 8);
  finished.link = {8};
  restarted.step(finished, earlier + seconds(1));
  EXPECT_EQ(restarted.state().jobs.at(JobId{8}).state, JobState::done);
}

TEST_F(CoreTest, ASettledBatchLeavesMemory) {
  step(hello(2));
  step(batch(1, 2));
  step(finish(1, 1));
  step(finish(2, 2));
  const SheetId sheet = core_.state().sheets.begin()->first;
  step(SheetAssembled{sheet, 1, sha256("sheet"), sha256("thumbnail"), "[]"});
  const State& state = core_.state();
  EXPECT_TRUE(state.batches.empty() && state.sheets.empty() && state.poses.empty());
  EXPECT_TRUE(state.jobs.empty() && state.leases.empty());
}

TEST_F(CoreTest, ADoneJobSaysWhenItsPicturesLeaseBegan) {
  step(hello(1));
  step(batch(1, 2));
  now_ = now_ + seconds(9);
  step(finish(1, 1));
  const Job& job = core_.state().jobs.at(JobId{1});
  EXPECT_EQ(job.leased_at, kStart);
  EXPECT_EQ(job.ended_at, kStart + seconds(9));
}

TEST_F(CoreTest, AStepGoesBehindWhatItsRoundHasAlready) {
  step(hello(1));
  step(batch(1, 2));
  Core twin(core_.state(), Policy{}, now_);
  twin.step(hello(1), now_);
  Core other(core_.state(), Policy{}, now_);
  other.step(hello(1), now_);

  Effects first = twin.step(finish(1, 1), now_);
  const Effects second = twin.step(finish(2, 2), now_);
  Effects round;
  other.step(finish(1, 1), now_, round);
  ASSERT_EQ(round.writes.size(), first.writes.size());
  other.step(finish(2, 2), now_, round);
  EXPECT_EQ(round.writes.size(), first.writes.size() + second.writes.size());
  EXPECT_EQ(round.sends.size(), first.sends.size() + second.sends.size());
  EXPECT_EQ(round.tasks.size(), 1u);
  const auto row_of = [](const Write& write) { return std::get<PutJob>(write).row.id; };
  const auto is_job = [](const Write& write) { return std::holds_alternative<PutJob>(write); };
  EXPECT_EQ(row_of(*std::ranges::find_if(round.writes, is_job)), JobId{1});
}

TEST_F(CoreTest, LeaseNumbersGoOnAfterARestart) {
  step(hello(1));
  step(batch(1, 2));
  step(finish(1, 1));
  Core restarted(core_.state(), Policy{}, now_);
  restarted.step(hello(1), now_);
  const Effects effects = restarted.step(finish(2, 2), now_);
  EXPECT_EQ(restarted.state().next.lease, LeaseId{3});
  EXPECT_EQ(effects.tasks.size(), 1u);
}

TEST_F(CoreTest, ProgressWritesNothing) {
  step(hello(1));
  step(batch(1, 1));
  const Effects effects = step(LeaseProgressed{kLink, {1}, 3, 20});
  EXPECT_TRUE(effects.writes.empty());
  ASSERT_EQ(effects.progress.size(), 1u);
  EXPECT_EQ(effects.progress[0].step, 3u);
  EXPECT_TRUE(step(LeaseProgressed{kLink, {99}, 3, 20}).progress.empty());
}

TEST_F(CoreTest, AHeartbeatIsWrittenSeldom) {
  step(hello(1));
  std::size_t written = 0;
  for (int second = 0; second < 60; ++second) {
    now_ = now_ + seconds(1);
    written += count<PutWorker>(step(WorkerWasHeard{kLink, "", 1}).writes);
    written += count<PutWorker>(step(Ticked{}).writes);
  }
  EXPECT_EQ(written, 6u);  // every fifth heartbeat of 2 s
}

TEST_F(CoreTest, WhatAWorkerHasInMemoryIsWrittenWithTheNextTick) {
  step(hello(1));
  EXPECT_EQ(count<PutWorker>(step(WorkerWasHeard{kLink, "{\"model\":\"tiny\"}"}).writes), 0u);
  EXPECT_EQ(count<PutWorker>(step(Ticked{}).writes), 1u);
  EXPECT_EQ(count<PutWorker>(step(Ticked{}).writes), 0u);
}

TEST_F(CoreTest, AWordFromNobodyIsAnsweredOnceAndChangesNothing) {
  for (const Event& event : std::vector<Event>{
           WorkerWasHeard{{99}, ""}, LeaseRefused{{99}, {1}, ""}, LeaseProgressed{{99}, {1}, 1, 2},
           LeaseFailed{{99}, {1}, FailureClass::job, ""}, WorkerChangedCapacity{{99}, 1, ""}}) {
    const Effects effects = step(event);
    EXPECT_TRUE(effects.writes.empty());
    ASSERT_EQ(effects.sends.size(), 1u);
    EXPECT_TRUE(std::holds_alternative<SendHelloWanted>(effects.sends[0]));
  }
}

TEST_F(CoreTest, APromptIsMadeWhenItsJobIsGivenAway) {
  step(hello(1));
  const Effects effects = step(batch(1, 1));
  ASSERT_EQ(effects.sends.size(), 1u);
  const auto& assign = std::get<SendAssign>(effects.sends[0]);
  EXPECT_EQ(assign.spec.model, "tiny");
  EXPECT_EQ(assign.spec.reference, sha256("c"));
  EXPECT_EQ(assign.spec.seed, make_seed("c0", std::nullopt, "v0", 1));
}

TEST(Invariants, ALeasedJobWithoutALeaseIsFound) {
  State state;
  Job job;
  job.id = {1};
  job.batch = {1};
  job.state = JobState::leased;
  state.next.job = {2};
  state.jobs[job.id] = job;
  EXPECT_FALSE(find_broken_invariants(state).empty());
}

TEST(Invariants, AMiscountedBatchIsFound) {
  State state;
  Batch batch;
  batch.id = {1};
  batch.jobs = 1;
  state.next.batch = {2};
  state.batches[batch.id] = batch;
  EXPECT_FALSE(find_broken_invariants(state).empty());
}

}  // namespace
}  // namespace pirouette::core
