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
  for (const auto& [rank, line] : queue.lines()) {
    for (const auto& [sheet, group] : line.groups) {
      for (const auto& waiting : group.jobs) order.push_back(waiting.job.value);
    }
  }
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
  EXPECT_TRUE(queue.lines().empty());
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
