#include "coordinator/core/queue.h"

#include <algorithm>

#include "common/result.h"

namespace pirouette::core {
namespace {

Queue::Rank rank_of(const Batch& batch, int priority) {
  return {-priority, batch.deadline.value_or(kNever), batch.id};
}

Queue::Rank rank_of(const Batch& batch, const Sheet& sheet) {
  return rank_of(batch, sheet.priority.value_or(batch.priority));
}

auto position_of(std::vector<Queue::Waiting>& jobs, const Job& job) {
  const Queue::Waiting wanted{job.pose, job.id, 0};
  return std::lower_bound(jobs.begin(), jobs.end(), wanted, [](const auto& a, const auto& b) {
    return a.pose != b.pose ? a.pose < b.pose : a.job < b.job;
  });
}

}  // namespace

void Queue::add(const Batch& batch, const Sheet& sheet, const Job& job) {
  Line& line = lines_[rank_of(batch, sheet)];
  line.recipe = batch.recipe;
  line.paused = batch.paused;
  Group& group = line.groups[sheet.id];
  group.reference = sheet.reference;
  const auto at = position_of(group.jobs, job);
  PIROUETTE_CHECK(at == group.jobs.end() || at->job != job.id);
  group.jobs.insert(at, {job.pose, job.id, 0});
  ++size_;
  stir();
}

void Queue::remove(const Batch& batch, const Sheet& sheet, const Job& job) {
  Line& line = get_line(batch, sheet);
  const auto group = line.groups.find(sheet.id);
  PIROUETTE_CHECK(group != line.groups.end());
  auto& jobs = group->second.jobs;
  const auto at = position_of(jobs, job);
  PIROUETTE_CHECK(at != jobs.end() && at->job == job.id);
  jobs.erase(at);
  --size_;
  if (!jobs.empty()) return;
  line.groups.erase(group);
  if (line.groups.empty()) lines_.erase(rank_of(batch, sheet));
}

void Queue::count_overtaking(const Batch& batch, const Sheet& sheet, const Job& job) {
  Line& line = get_line(batch, sheet);
  const auto group = line.groups.find(sheet.id);
  PIROUETTE_CHECK(group != line.groups.end());
  auto& jobs = group->second.jobs;
  const auto at = position_of(jobs, job);
  PIROUETTE_CHECK(at != jobs.end() && at->job == job.id);
  ++at->overtaken;
}

void Queue::set_paused(const Batch& batch) {
  for (auto& [rank, line] : lines_) {
    if (rank.batch == batch.id) line.paused = batch.paused;
  }
  stir();
}

void Queue::move(const Batch& batch, const Sheet& sheet, int priority_before) {
  if (sheet.priority || batch.priority == priority_before) return;
  const auto from = lines_.find(rank_of(batch, priority_before));
  if (from == lines_.end()) return;
  auto group = from->second.groups.extract(sheet.id);
  if (group.empty()) return;
  Line& line = lines_[rank_of(batch, sheet)];
  line.recipe = batch.recipe;
  line.paused = batch.paused;
  line.groups.insert(std::move(group));
  if (from->second.groups.empty()) lines_.erase(from);
  stir();
}

Queue::Line& Queue::get_line(const Batch& batch, const Sheet& sheet) {
  const auto line = lines_.find(rank_of(batch, sheet));
  PIROUETTE_CHECK(line != lines_.end());
  return line->second;
}

}  // namespace pirouette::core
