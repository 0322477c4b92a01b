#include "coordinator/core/queue.h"

#include <algorithm>

#include "common/result.h"

namespace pirouette::core {
namespace {

LineRank rank_of(const Batch& batch, int priority, Queue::Place place) {
  return {place.idle_only, -priority, place.owner, batch.deadline.value_or(kNever), batch.id};
}

LineRank rank_of(const Batch& batch, const Sheet& sheet, Queue::Place place) {
  return rank_of(batch, sheet.priority.value_or(batch.priority), place);
}

auto position_of(std::vector<Queue::Waiting>& jobs, const Job& job) {
  const Queue::Waiting wanted{job.pose, job.id, 0};
  return std::lower_bound(jobs.begin(), jobs.end(), wanted, [](const auto& a, const auto& b) {
    return a.pose != b.pose ? a.pose < b.pose : a.job < b.job;
  });
}

}  // namespace

void Queue::add(const Batch& batch, const Sheet& sheet, const Job& job, Place place) {
  Line& line = make_line(batch, rank_of(batch, sheet, place));
  ++line.jobs;
  Group& group = line.groups[sheet.id];
  group.reference = sheet.reference;
  const auto at = position_of(group.jobs, job);
  PIROUETTE_CHECK(at == group.jobs.end() || at->job != job.id);
  group.jobs.insert(at, {job.pose, job.id, 0});
  ++size_;
  stir();
}

void Queue::remove(const Batch& batch, const Sheet& sheet, const Job& job, Place place) {
  const LineRank rank = rank_of(batch, sheet, place);
  Line* line = lines_.find(rank);
  PIROUETTE_CHECK(line);
  const auto group = line->groups.find(sheet.id);
  PIROUETTE_CHECK(group != line->groups.end());
  auto& jobs = group->second.jobs;
  const auto at = position_of(jobs, job);
  PIROUETTE_CHECK(at != jobs.end() && at->job == job.id);
  jobs.erase(at);
  --size_;
  --line->jobs;
  if (!jobs.empty()) return;
  line->groups.erase(group);
  if (line->groups.empty()) lines_.erase(rank);
}

void Queue::count_overtaking(const Batch& batch, const Sheet& sheet, const Job& job, Place place) {
  auto& jobs = get_group(batch, sheet, place).jobs;
  const auto at = position_of(jobs, job);
  PIROUETTE_CHECK(at != jobs.end() && at->job == job.id);
  ++at->overtaken;
}

void Queue::note_class(const Batch& batch, const Sheet& sheet, std::uint32_t device_class,
                       Place place) {
  Line* line = lines_.find(rank_of(batch, sheet, place));
  if (!line) return;
  const auto group = line->groups.find(sheet.id);
  if (group != line->groups.end()) group->second.device_class = device_class;
}

void Queue::set_paused(const Batch& batch) {
  lines_.each([&](const LineRank& rank, Line& line) {
    if (rank.batch == batch.id) line.paused = batch.paused;
  });
  stir();
}

void Queue::move(const Batch& batch, const Sheet& sheet, int priority_before, Place place) {
  if (sheet.priority || batch.priority == priority_before) return;
  const LineRank before = rank_of(batch, priority_before, place);
  Line* from = lines_.find(before);
  if (!from) return;
  auto group = from->groups.extract(sheet.id);
  if (group.empty()) return;
  const std::size_t jobs = group.mapped().jobs.size();
  from->jobs -= jobs;
  if (from->groups.empty()) lines_.erase(before);
  Line& to = make_line(batch, rank_of(batch, sheet, place));
  to.jobs += jobs;
  to.groups.insert(std::move(group));
  stir();
}

Queue::Line& Queue::make_line(const Batch& batch, const LineRank& rank) {
  Line& line = lines_.make(rank);
  line.recipe = batch.recipe;
  line.paused = batch.paused;
  return line;
}

Queue::Group& Queue::get_group(const Batch& batch, const Sheet& sheet, Place place) {
  Line* line = lines_.find(rank_of(batch, sheet, place));
  PIROUETTE_CHECK(line);
  const auto group = line->groups.find(sheet.id);
  PIROUETTE_CHECK(group != line->groups.end());
  return group->second;
}

}  // namespace pirouette::core
