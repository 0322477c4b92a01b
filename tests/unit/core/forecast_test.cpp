#include "coordinator/core/forecast.h"

#include <gtest/gtest.h>

namespace pirouette::core {
namespace {

constexpr Instant kNow{1'767'225'600'000'000};

class ForecastTest : public testing::Test {
 protected:
  ForecastTest() {
    plan_.now = kNow;
    kind_ = durations_.kind_of(Recipe{});
    fast_ = durations_.class_of("cuda", "H200");
    slow_ = durations_.class_of("cuda", "L4");
    worker_.models = {Recipe{}.model};
    for (int i = 0; i < 64; ++i) durations_.note(kind_, fast_, seconds(10));
    for (int i = 0; i < 64; ++i) durations_.note(kind_, slow_, seconds(20));
  }

  void add_batch(std::uint64_t id, std::int64_t jobs, int priority = 50) {
    const OwnerId owner = shares_.owner("studio");
    plan_.lines.push_back(
        {{false, -priority, owner, kNever, {id}}, std::make_shared<const Recipe>(), kind_, jobs});
  }
  void add_worker(ClassId device, Instant free_at = kNow) {
    plan_.workers.push_back({&worker_, device, free_at});
  }
  std::map<BatchId, Ready> ready() { return forecast(plan_, durations_, shares_); }

  Plan plan_;
  Durations durations_;
  FairShare shares_{{}, seconds(24 * 3600), kNow};
  KindId kind_ = 0;
  ClassId fast_ = 0, slow_ = 0;
  Worker worker_;
};

TEST_F(ForecastTest, WorkersOfDifferentSpeedShareTheWork) {
  add_batch(1, 30);
  add_worker(fast_);
  add_worker(slow_);
  const auto batch = ready().at({1});
  EXPECT_EQ(batch.p50, kNow + seconds(200));
  EXPECT_GT(batch.p90, batch.p50);
  EXPECT_LT(batch.p90, kNow + seconds(250));
}

TEST_F(ForecastTest, AHigherPriorityIsReadySooner) {
  add_batch(1, 10);
  add_batch(2, 10, 90);
  add_worker(fast_);
  const auto batches = ready();
  EXPECT_EQ(batches.at({2}).p50, kNow + seconds(100));
  EXPECT_EQ(batches.at({1}).p50, kNow + seconds(200));
}

TEST_F(ForecastTest, WhatIsRenderedJustNowCounts) {
  plan_.running_until[{7}] = kNow + seconds(8);
  EXPECT_EQ(ready().at({7}).p50, kNow + seconds(8));
}

TEST_F(ForecastTest, NothingIsSaidWhereNobodyCanRenderItOrNothingWasMeasured) {
  add_batch(1, 10);
  EXPECT_TRUE(ready().empty());  // no worker
  add_worker(fast_);
  EXPECT_EQ(ready().size(), 1u);
  worker_.models.clear();
  EXPECT_TRUE(ready().empty());
  worker_.models = {Recipe{}.model};
  durations_ = Durations();
  EXPECT_TRUE(ready().empty());
}

TEST_F(ForecastTest, FailuresSoFarAreTakenToGoOn) {
  add_batch(1, 10);
  add_worker(fast_);
  plan_.failed_permille = 500;
  EXPECT_EQ(ready().at({1}).p50, kNow + seconds(200));
}

// What most workers cannot render hides nothing from them.
TEST_F(ForecastTest, AWorkerTakesTheFirstOfWhatItCanRender) {
  auto recipe = std::make_shared<Recipe>();
  recipe->required_tags = {"80gb"};
  const OwnerId owner = shares_.owner("studio");
  for (std::uint64_t id = 1; id <= 20; ++id) {
    plan_.lines.push_back({{false, -90, owner, kNever, {id}}, recipe, kind_, 1});
  }
  add_batch(50, 10);
  add_batch(51, 10, 95);
  Worker big = worker_;
  big.tags = {"80gb"};
  plan_.workers.push_back({&big, slow_, kNow + seconds(1'000)});
  add_worker(fast_);
  const auto batches = ready();
  EXPECT_EQ(batches.at({51}).p50, kNow + seconds(100));
  EXPECT_EQ(batches.at({50}).p50, kNow + seconds(200));
  EXPECT_EQ(batches.at({1}).p50, kNow + seconds(1'020));
  EXPECT_EQ(batches.at({20}).p50, kNow + seconds(1'400));
}

// A few jobs that go first are not one worker's bundle, however many stand behind them.
TEST_F(ForecastTest, WhatGoesFirstIsLookedAtJobByJob) {
  add_batch(1, 1'000'000);
  add_batch(2, 100, 90);
  for (int i = 0; i < 100; ++i) add_worker(fast_);
  EXPECT_EQ(ready().at({2}).p50, kNow + seconds(10));
}

TEST_F(ForecastTest, AMillionJobsAreBundled) {
  add_batch(1, 1'000'000);
  for (int i = 0; i < 100; ++i) add_worker(fast_);
  const Instant p50 = ready().at({1}).p50;
  EXPECT_GE(p50, kNow + seconds(100'000));
  EXPECT_LT(p50, kNow + seconds(101'000));
}

}  // namespace
}  // namespace pirouette::core
