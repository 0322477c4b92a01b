#include "coordinator/core/fleet.h"

#include <gtest/gtest.h>

namespace pirouette::core {
namespace {

constexpr WorkerId kAnna{1}, kBert{2};
constexpr Instant kNow{1000};

Worker row(WorkerId id, std::uint32_t capacity) {
  Worker worker;
  worker.id = id;
  worker.state = WorkerState::online;
  worker.capacity = capacity;
  return worker;
}

TEST(Fleet, TheNewestLinkOfANameIsTheOneThatCounts) {
  Fleet fleet;
  fleet.connect(kAnna, {1});
  fleet.connect(kAnna, {2});
  EXPECT_EQ(fleet.standing({1}), Fleet::Standing::superseded);
  EXPECT_EQ(fleet.standing({2}), Fleet::Standing::current);
  EXPECT_EQ(fleet.standing({3}), Fleet::Standing::unknown);
  EXPECT_EQ(fleet.find_by_link({1}), nullptr);
}

TEST(Fleet, AWorkerThatLeftLeavesNoLinkBehind) {
  Fleet fleet;
  fleet.connect(kAnna, {1});
  fleet.connect(kAnna, {2});
  fleet.remove(kAnna);
  EXPECT_EQ(fleet.standing({1}), Fleet::Standing::unknown);
  EXPECT_EQ(fleet.standing({2}), Fleet::Standing::unknown);
}

TEST(Fleet, SupersededLinksAreRememberedUpToALimit) {
  Fleet fleet;
  for (std::uint64_t link = 1; link <= 100; ++link) fleet.connect(kAnna, {link});
  EXPECT_EQ(fleet.standing({1}), Fleet::Standing::unknown);
  EXPECT_EQ(fleet.standing({99}), Fleet::Standing::superseded);
  EXPECT_EQ(fleet.standing({100}), Fleet::Standing::current);
}

TEST(Fleet, ALinkThatTakesAnotherNameSpeaksForThatOne) {
  Fleet fleet;
  fleet.connect(kAnna, {1});
  fleet.connect(kBert, {1});
  EXPECT_EQ(fleet.find_by_link({1})->id, kBert);
  EXPECT_FALSE(fleet.find(kAnna)->link);
}

TEST(Fleet, TheLeastLoadedIsTheHungriest) {
  Fleet fleet;
  LiveWorker& anna = fleet.connect(kAnna, {1});
  LiveWorker& bert = fleet.connect(kBert, {2});
  fleet.open(anna, {1}, {1});
  fleet.reckon(anna, row(kAnna, 2), kNow);
  fleet.reckon(bert, row(kBert, 2), kNow);
  EXPECT_EQ(fleet.hungry(), (Fleet::Hungry{{0, 0, kBert}, {1, 0, kAnna}}));
}

TEST(Fleet, WhoIsFullAwayDrainingOrRestingIsNotHungry) {
  Fleet fleet;
  LiveWorker& anna = fleet.connect(kAnna, {1});
  fleet.reckon(anna, row(kAnna, 0), kNow);
  EXPECT_TRUE(fleet.hungry().empty());
  Worker draining = row(kAnna, 1);
  draining.state = WorkerState::draining;
  fleet.reckon(anna, draining, kNow);
  EXPECT_TRUE(fleet.hungry().empty());
  anna.rests_until = kNow + seconds(1);
  fleet.reckon(anna, row(kAnna, 1), kNow);
  EXPECT_TRUE(fleet.hungry().empty());
  fleet.reckon(anna, row(kAnna, 1), kNow + seconds(1));
  EXPECT_FALSE(fleet.hungry().empty());
  fleet.reckon(fleet.add(kBert), row(kBert, 1), kNow);
  EXPECT_EQ(fleet.hungry().size(), 1u);  // no link: after a restart
}

TEST(Fleet, LeasesItDoesNotKnowOfTakeNoRoom) {
  Fleet fleet;
  LiveWorker& anna = fleet.connect(kAnna, {1});
  fleet.open(anna, {1}, {1});
  fleet.reckon(anna, row(kAnna, 1), kNow);
  EXPECT_TRUE(fleet.hungry().empty());
  anna.missing[{1}] = kNow;
  fleet.reckon(anna, row(kAnna, 1), kNow);
  EXPECT_FALSE(fleet.hungry().empty());
}

}  // namespace
}  // namespace pirouette::core
