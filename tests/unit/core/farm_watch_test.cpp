#include "coordinator/core/farm_watch.h"

#include <gtest/gtest.h>

namespace pirouette::core {
namespace {

TEST(FarmWatch, DifferentWorkersFailingDifferentJobsIsTheFarm) {
  FarmWatch watch;
  watch.note_failure({1}, {1});
  watch.note_failure({2}, {2});
  EXPECT_FALSE(watch.is_broken(3));
  watch.note_failure({3}, {3});
  EXPECT_TRUE(watch.is_broken(3));
}

TEST(FarmWatch, ABadJobOrABadWorkerIsNotTheFarm) {
  FarmWatch one_job, one_worker;
  for (std::uint64_t i = 1; i <= 9; ++i) {
    one_job.note_failure({i}, {1});
    one_worker.note_failure({1}, {i});
  }
  EXPECT_FALSE(one_job.is_broken(9));
  EXPECT_FALSE(one_worker.is_broken(9));
}

TEST(FarmWatch, APictureInBetweenSaysThatTheFarmIsWell) {
  FarmWatch watch;
  watch.note_failure({1}, {1});
  watch.note_failure({2}, {2});
  watch.note_picture();
  watch.note_failure({3}, {3});
  EXPECT_FALSE(watch.is_broken(3));
}

TEST(FarmWatch, AFewOfManyAreNotTheFarm) {
  FarmWatch watch;
  for (std::uint64_t i = 1; i <= 15; ++i) watch.note_failure({i}, {i});
  EXPECT_FALSE(watch.is_broken(1000));
  watch.note_failure({16}, {16});
  EXPECT_TRUE(watch.is_broken(1000));
}

TEST(FarmWatch, TriesOneJobTwiceAsLongAfterEachOther) {
  FarmWatch watch;
  const Instant start{1'000'000};
  watch.stop(start);
  EXPECT_EQ(watch.tries_at(), start + seconds(30));
  Instant now = watch.tries_at();
  watch.begin_trial({1}, now);
  EXPECT_EQ(watch.tries_at(), now + seconds(60));
  for (std::uint64_t i = 2; i < 9; ++i) watch.begin_trial({i}, now = watch.tries_at());
  EXPECT_EQ(watch.tries_at(), now + seconds(480));
  watch.try_soon(now);
  EXPECT_EQ(watch.tries_at(), now);
}

}  // namespace
}  // namespace pirouette::core
