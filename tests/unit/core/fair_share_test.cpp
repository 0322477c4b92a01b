#include "coordinator/core/fair_share.h"

#include <gtest/gtest.h>

namespace pirouette::core {
namespace {

constexpr Instant kStart{1'767'225'600'000'000};
constexpr Duration kDay = seconds(24 * 3600);

TEST(FairShare, WhoUsedLessGoesFirst) {
  FairShare shares({}, kDay, kStart);
  const OwnerId ada = shares.owner("ada"), bo = shares.owner("bo");
  EXPECT_EQ(shares.share(ada, kStart), shares.share(bo, kStart));
  shares.add(ada, seconds(10), kStart);
  EXPECT_GT(shares.share(ada, kStart), shares.share(bo, kStart));
  shares.add(bo, seconds(11), kStart);
  EXPECT_LT(shares.share(ada, kStart), shares.share(bo, kStart));
}

TEST(FairShare, AWeightOfTwiceIsTwiceTheFarm) {
  FairShare shares({{"ada", 200}}, kDay, kStart);
  const OwnerId ada = shares.owner("ada"), bo = shares.owner("bo");
  shares.add(ada, seconds(200), kStart);
  shares.add(bo, seconds(100), kStart);
  EXPECT_EQ(shares.share(ada, kStart), shares.share(bo, kStart));
}

TEST(FairShare, WhatWasUsedADayAgoCountsHalf) {
  FairShare shares({}, kDay, kStart);
  const OwnerId ada = shares.owner("ada"), bo = shares.owner("bo");
  shares.add(ada, seconds(200), kStart);
  shares.add(bo, seconds(100), kStart + kDay);
  EXPECT_EQ(shares.share(ada, kStart), shares.share(bo, kStart));
}

TEST(FairShare, WhatRunsCountsUntilItEnds) {
  FairShare shares({}, kDay, kStart);
  const OwnerId ada = shares.owner("ada");
  const std::uint64_t before = shares.share(ada, kStart);
  shares.open(ada, seconds(30));
  EXPECT_GT(shares.share(ada, kStart), before);
  shares.close(ada, seconds(30));
  EXPECT_EQ(shares.share(ada, kStart), before);
}

TEST(FairShare, TheOrderStaysWhenAllIsDividedAndNothingGrowsForEver) {
  FairShare shares({}, kDay, kStart);
  const OwnerId ada = shares.owner("ada"), bo = shares.owner("bo");
  Instant now = kStart;
  std::uint64_t highest = 0;
  for (int day = 0; day < 400; ++day) {
    now = now + kDay;
    shares.rebase(now);
    shares.add(ada, seconds(900'000'000), now);  // ten thousand workers, all day
    shares.add(bo, seconds(800'000'000), now);
    EXPECT_GT(shares.share(ada, now), shares.share(bo, now)) << day;
    highest = std::max(highest, shares.share(ada, now));
  }
  EXPECT_LT(highest, UINT64_MAX / 1000);
}

TEST(FairShare, WhatWasUsedBeforeTheStartCountsLess) {
  FairShare shares({}, kDay, kStart);
  const OwnerId ada = shares.owner("ada"), bo = shares.owner("bo"), cy = shares.owner("cy");
  shares.add(ada, seconds(100), kStart - kDay);
  shares.add(bo, seconds(100), kStart);
  shares.add(cy, seconds(100), kStart - kDay * 100);
  EXPECT_EQ(shares.share(ada, kStart) * 2, shares.share(bo, kStart));
  EXPECT_EQ(shares.share(cy, kStart), 0u);
}

}  // namespace
}  // namespace pirouette::core
