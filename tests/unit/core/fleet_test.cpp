#include "coordinator/core/fleet.h"

#include <gtest/gtest.h>

namespace pirouette::core {
namespace {

constexpr WorkerId kAnna{1}, kBert{2};
constexpr Instant kNow{1000};

struct FleetTest : ::testing::Test {
  static Worker row(WorkerId id) {
    Worker worker;
    worker.id = id;
    worker.state = WorkerState::online;
    worker.capacity = 2;
    return worker;
  }
  Worker anna_row = row(kAnna), bert_row = row(kBert);
  Fleet fleet;
};

TEST_F(FleetTest, TheNewestLinkOfANameIsTheOneThatCounts) {
  fleet.connect(anna_row, {1});
  fleet.connect(anna_row, {2});
  EXPECT_EQ(fleet.standing({1}), Fleet::Standing::superseded);
  EXPECT_EQ(fleet.standing({2}), Fleet::Standing::current);
  EXPECT_EQ(fleet.standing({3}), Fleet::Standing::unknown);
  EXPECT_EQ(fleet.find_by_link({1}), nullptr);
}

TEST_F(FleetTest, AWorkerThatLeftLeavesNoLinkBehind) {
  fleet.connect(anna_row, {1});
  fleet.connect(anna_row, {2});
  fleet.remove(kAnna);
  EXPECT_EQ(fleet.standing({1}), Fleet::Standing::unknown);
  EXPECT_EQ(fleet.standing({2}), Fleet::Standing::unknown);
}

TEST_F(FleetTest, SupersededLinksAreRememberedUpToALimit) {
  for (std::uint64_t link = 1; link <= 100; ++link) fleet.connect(anna_row, {link});
  EXPECT_EQ(fleet.standing({1}), Fleet::Standing::unknown);
  EXPECT_EQ(fleet.standing({99}), Fleet::Standing::superseded);
  EXPECT_EQ(fleet.standing({100}), Fleet::Standing::current);
}

TEST_F(FleetTest, ALinkThatTakesAnotherNameSpeaksForThatOne) {
  fleet.connect(anna_row, {1});
  fleet.connect(bert_row, {1});
  EXPECT_EQ(fleet.find_by_link({1})->id, kBert);
  EXPECT_FALSE(fleet.find(kAnna)->link);
}

TEST_F(FleetTest, TheLeastLoadedIsTheHungriest) {
  LiveWorker& anna = fleet.connect(anna_row, {1});
  LiveWorker& bert = fleet.connect(bert_row, {2});
  fleet.open(anna, {1}, {1});
  fleet.reckon(anna, kNow);
  fleet.reckon(bert, kNow);
  EXPECT_EQ(fleet.hungry(), (Fleet::Hungry{{0, 0, kBert}, {1, 0, kAnna}}));
}

TEST_F(FleetTest, WhoIsFullAwayDrainingOrRestingIsNotHungry) {
  LiveWorker& anna = fleet.connect(anna_row, {1});
  anna_row.capacity = 0;
  fleet.reckon(anna, kNow);
  EXPECT_TRUE(fleet.hungry().empty());
  anna_row.capacity = 1;
  anna_row.state = WorkerState::draining;
  fleet.reckon(anna, kNow);
  EXPECT_TRUE(fleet.hungry().empty());
  anna_row.state = WorkerState::online;
  anna.rests_until = kNow + seconds(1);
  fleet.reckon(anna, kNow);
  EXPECT_TRUE(fleet.hungry().empty());
  fleet.reckon(anna, kNow + seconds(1));
  EXPECT_FALSE(fleet.hungry().empty());
  fleet.reckon(fleet.add(bert_row), kNow);
  EXPECT_EQ(fleet.hungry().size(), 1u);  // no link: after a restart
}

TEST_F(FleetTest, LeasesItDoesNotKnowOfTakeNoRoom) {
  LiveWorker& anna = fleet.connect(anna_row, {1});
  anna_row.capacity = 1;
  fleet.open(anna, {1}, {1});
  fleet.reckon(anna, kNow);
  EXPECT_TRUE(fleet.hungry().empty());
  anna.missing[{1}] = kNow;
  fleet.reckon(anna, kNow);
  EXPECT_FALSE(fleet.hungry().empty());
}

}  // namespace
}  // namespace pirouette::core
