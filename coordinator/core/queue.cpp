#include "coordinator/core/queue.h"

#include <algorithm>

#include "common/result.h"

namespace pirouette::core {
namespace {

Queue::Rank rank_of(const Batch& batch) {
  return {-batch.priority, batch.deadline.value_or(kNever), batch.id};
}

auto position_of(std::vector<Queue::Waiting>& jobs, const Job& job) {
  const Queue::Waiting wanted{job.pose, job.id, 0};
  return std::lower_bound(jobs.begin(), jobs.end(), wanted, [](const auto& a, const auto& b) {
    return a.pose != b.pose ? a.pose < b.pose : a.job < b.job;
  });
}

}  // namespace

void Queue::add(const Batch& batch, const Sheet& sheet, const Job& job) {
  Line& line = lines_[rank_of(batch)];
  line.recipe = batch.recipe;
  Group& group = line.groups[sheet.id];
  group.reference = sheet.reference;
  const auto at = position_of(group.jobs, job);
  PIROUETTE_CHECK(at == group.jobs.end() || at->job != job.id);
  group.jobs.insert(at, {job.pose, job.id, 0});
  ++size_;
  stir();
}

void Queue::remove(const Batch& batch, const Job& job) {
  const auto line = lines_.find(rank_of(batch));
  PIROUETTE_CHECK(line != lines_.end());
  const auto group = line->second.groups.find(job.sheet);
  PIROUETTE_CHECK(group != line->second.groups.end());
  auto& jobs = group->second.jobs;
  const auto at = position_of(jobs, job);
  PIROUETTE_CHECK(at != jobs.end() && at->job == job.id);
  jobs.erase(at);
  --size_;
  if (!jobs.empty()) return;
  line->second.groups.erase(group);
  if (line->second.groups.empty()) lines_.erase(line);
}

void Queue::count_overtaking(const Batch& batch, const Job& job) {
  auto& jobs = get_group(batch, job).jobs;
  const auto at = position_of(jobs, job);
  PIROUETTE_CHECK(at != jobs.end() && at->job == job.id);
  ++at->overtaken;
}

Queue::Group& Queue::get_group(const Batch& batch, const Job& job) {
  const auto line = lines_.find(rank_of(batch));
  PIROUETTE_CHECK(line != lines_.end());
  const auto group = line->second.groups.find(job.sheet);
  PIROUETTE_CHECK(group != line->second.groups.end());
  return group->second;
}

}  // namespace pirouette::core
