#include "coordinator/core/queue.h"

#include <gtest/gtest.h>

namespace pirouette::core {
namespace {

Batch make_batch(std::uint64_t id, int priority = 50, std::optional<Instant> deadline = {}) {
  Batch batch;
  batch.id = {id};
  batch.priority = priority;
  batch.deadline = deadline;
  batch.recipe = std::make_shared<const Recipe>();
  return batch;
}

Sheet make_sheet(std::uint64_t id) {
  Sheet sheet;
  sheet.id = {id};
  return sheet;
}

Job make_job(std::uint64_t id, const Batch& batch, const Sheet& sheet, std::uint64_t pose) {
  Job job;
  job.id = {id};
  job.batch = batch.id;
  job.sheet = sheet.id;
  job.pose = {pose};
  return job;
}

std::vector<std::uint64_t> order_of(const Queue& queue) {
  std::vector<std::uint64_t> order;
  queue.visit([&](const LineRank&, const Queue::Line& line) {
    for (const auto& [sheet, group] : line.groups) {
      for (const auto& waiting : group.jobs) order.push_back(waiting.job.value);
    }
    return true;
  });
  return order;
}

using Order = std::vector<std::uint64_t>;

TEST(Queue, PriorityGoesBeforeDeadlineBeforeSubmission) {
  Queue queue;
  const Sheet sheet = make_sheet(1);
  const Batch plain = make_batch(1), late = make_batch(2, 50, Instant{200}),
              soon = make_batch(3, 50, Instant{100}), urgent = make_batch(4, 51);
  std::uint64_t job = 1;
  for (const Batch& batch : {plain, late, soon, urgent}) {
    queue.add(batch, sheet, make_job(job++, batch, sheet, 1));
  }
  EXPECT_EQ(order_of(queue), (Order{4, 3, 2, 1}));
}

TEST(Queue, TheOwnerWhoHadLeastGoesBeforeTheDeadlineAndAfterThePriority) {
  Queue queue;
  const Sheet sheet = make_sheet(1);
  const Batch much = make_batch(1, 50, Instant{100}), little = make_batch(2),
              urgent = make_batch(3, 51);
  queue.add(much, sheet, make_job(1, much, sheet, 1), {{1}, false});
  queue.add(little, sheet, make_job(2, little, sheet, 1), {{2}, false});
  queue.add(urgent, sheet, make_job(3, urgent, sheet, 1), {{1}, false});
  queue.set_share({1}, 10);
  EXPECT_EQ(order_of(queue), (Order{3, 2, 1}));
  queue.set_share({2}, 20);
  EXPECT_EQ(order_of(queue), (Order{3, 1, 2}));
  queue.set_share({1}, 21);
  queue.remove(urgent, sheet, make_job(3, urgent, sheet, 1), {{1}, false});
  EXPECT_EQ(order_of(queue), (Order{2, 1}));
}

TEST(Queue, WorkForIdleCapacityGoesAfterAllOther) {
  Queue queue;
  const Sheet sheet = make_sheet(1);
  const Batch idle = make_batch(1, 100), last = make_batch(2, 0);
  queue.add(idle, sheet, make_job(1, idle, sheet, 1), {{}, true});
  queue.add(last, sheet, make_job(2, last, sheet, 1));
  EXPECT_EQ(order_of(queue), (Order{2, 1}));
}

TEST(Queue, ARequeuedJobTakesItsOldPlace) {
  Queue queue;
  const Batch batch = make_batch(1);
  const Sheet one = make_sheet(1), two = make_sheet(2);
  const Job first = make_job(1, batch, one, 1), second = make_job(2, batch, one, 2),
            third = make_job(3, batch, two, 3);
  queue.add(batch, one, first);
  queue.add(batch, one, second);
  queue.add(batch, two, third);
  queue.remove(batch, one, first);
  EXPECT_EQ(order_of(queue), (Order{2, 3}));
  queue.add(batch, one, first);
  EXPECT_EQ(order_of(queue), (Order{1, 2, 3}));
}

TEST(Queue, ARerollStandsWithItsPose) {
  Queue queue;
  const Batch batch = make_batch(1);
  const Sheet sheet = make_sheet(1);
  queue.add(batch, sheet, make_job(1, batch, sheet, 1));
  queue.add(batch, sheet, make_job(2, batch, sheet, 2));
  queue.add(batch, sheet, make_job(9, batch, sheet, 1));
  EXPECT_EQ(order_of(queue), (Order{1, 9, 2}));
}

TEST(Queue, NothingStaysOfAnEmptiedBatch) {
  Queue queue;
  const Batch batch = make_batch(1);
  const Sheet sheet = make_sheet(1);
  const Job job = make_job(1, batch, sheet, 1);
  queue.add(batch, sheet, job);
  EXPECT_EQ(queue.size(), 1u);
  queue.remove(batch, sheet, job);
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(order_of(queue).empty());
}

TEST(Queue, OnlyNewChancesRaiseTheRevision) {
  Queue queue;
  const Batch batch = make_batch(1);
  const Sheet sheet = make_sheet(1);
  const Job job = make_job(1, batch, sheet, 1);
  const std::uint64_t before = queue.revision();
  queue.add(batch, sheet, job);
  const std::uint64_t added = queue.revision();
  EXPECT_GT(added, before);
  queue.remove(batch, sheet, job);
  EXPECT_EQ(queue.revision(), added);
}

}  // namespace
}  // namespace pirouette::core
