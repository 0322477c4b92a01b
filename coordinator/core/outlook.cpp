// What the forecast says becomes known: on the batches' rows, and as a word when a deadline is in
// danger, or is not any more. Every half minute, and with the tick after a batch was submitted or
// changed: in the evening, while people are still awake.

#include <algorithm>
#include <tuple>
#include <vector>

#include "coordinator/core/forecast.h"
#include "coordinator/core/impl.h"
#include "coordinator/core/ledger.h"

namespace pirouette::core {
namespace {

constexpr Duration kLookEvery = seconds(30);
// A row is written where it moved by so much.
constexpr Duration kMovedEnough = seconds(30);
// A deadline is safe again with so much to spare: a word that comes and goes is no word.
constexpr Duration kSafeBy = seconds(120);

bool moved(const std::optional<Instant>& from, const std::optional<Instant>& to) {
  if (!from || !to) return from.has_value() != to.has_value();
  return std::max(*from, *to) - std::min(*from, *to) >= kMovedEnough;
}

std::string in_minutes(Duration time) {
  return std::to_string((time.us + 59'999'999) / 60'000'000) + " min";
}

}  // namespace

Plan Core::Impl::make_plan() {
  Plan plan;
  plan.now = now_;
  std::uint64_t done = 0, failed = 0;
  for (const auto& [id, live] : fleet_.live()) {
    const Worker& worker = *live.row;
    Instant free_at = now_, asks_for = now_;
    for (const auto& [lease, job] : live.leases) {
      const Run& run = runs_.at(lease);
      const auto like = durations_.guess(run.kind, run.device);
      if (!like) continue;
      const bool first = lease == live.leases.begin()->first;
      const Instant due = std::max(run.leased_at, live.freed_at) + like->mean;
      free_at = first ? std::max(due, now_) : free_at + like->mean;
      if (first && live.load() >= worker.capacity) asks_for = free_at;
      if (is_twin(lease)) continue;
      Instant& until = plan.running_until[run.batch];
      until = std::max(until, free_at);
    }
    done += worker.jobs_done;
    failed += worker.jobs_failed;
    if (!live.link || worker.state != WorkerState::online || worker.capacity == 0) continue;
    if (!worker.quarantine.empty()) continue;
    plan.workers.push_back({&worker, live.device_class, std::max(free_at, live.rests_until),
                            std::max(asks_for, live.rests_until)});
  }
  if (done + failed > 0) {
    plan.failed_permille = static_cast<std::int64_t>(failed * 1000 / (done + failed));
  }
  std::map<BatchId, std::int64_t> queued;
  queue_.visit([&](const LineRank& rank, const Queue::Line& line) {
    queued[rank.batch] += static_cast<std::int64_t>(line.jobs);
    if (line.paused) return true;
    plan.lines.push_back({rank, line.recipe, kind_of_jobs(get_batch(rank.batch)),
                          static_cast<std::int64_t>(line.jobs)});
    return true;
  });
  add_held(plan, std::move(queued));
  return plan;
}

// What is held is to be rendered too, at the best right after what waits.
void Core::Impl::add_held(Plan& plan, std::map<BatchId, std::int64_t> known) {
  for (const auto& [lease, run] : runs_) {
    if (!is_twin(lease)) ++known[run.batch];
  }
  std::map<std::tuple<BatchId, bool, int>, PlannedLine*> lines;
  for (PlannedLine& line : plan.lines) {
    lines[{line.rank.batch, line.rank.idle_only, line.rank.minus_priority}] = &line;
  }
  std::vector<PlannedLine> more;
  for (const auto& [id, batch] : state_.batches) {
    if (batch.state != BatchState::running || batch.paused) continue;
    const std::int64_t open = std::int64_t{batch.jobs} - batch.jobs_done - batch.jobs_failed -
                              batch.jobs_cancelled - known[id];
    if (open <= 0) continue;
    const LineRank rank{batch.idle_only, -batch.priority, shares_.owner(batch.owner),
                        batch.deadline.value_or(kNever), id};
    const auto line = lines.find({id, rank.idle_only, rank.minus_priority});
    if (line != lines.end()) {
      line->second->jobs += open;
    } else {
      more.push_back({rank, batch.recipe, kind_of_jobs(batch), open});
    }
  }
  plan.lines.insert(plan.lines.end(), more.begin(), more.end());
}

void Core::Impl::look_ahead() {
  if (now_ < look_at_) return;
  look_at_ = now_ + kLookEvery;
  if (state_.batches.empty()) return;
  std::map<BatchId, Ready> ready;
  if (state_.farm_stopped.empty()) ready = forecast(make_plan(), durations_, shares_);
  for (auto& [id, batch] : state_.batches) {
    if (batch.state != BatchState::running) continue;
    const auto known = ready.find(id);
    if (known == ready.end()) {
      tell(batch, {}, {});
    } else {
      tell(batch, known->second.p50, known->second.p90);
    }
  }
}

void Core::Impl::tell(Batch& batch, std::optional<Instant> p50, std::optional<Instant> p90) {
  const bool changed = moved(batch.ready_p50, p50) || moved(batch.ready_p90, p90);
  const bool late = p90 && batch.deadline && *p90 > *batch.deadline;
  const bool safe = p90 && batch.deadline && *p90 + kSafeBy <= *batch.deadline;
  const bool turns = (late && !batch.at_risk) || (safe && batch.at_risk);
  if (!changed && !turns) return;
  batch.ready_p50 = p50;
  batch.ready_p90 = p90;
  if (turns) {
    batch.at_risk = late;
    const std::string when = "ready at " + to_rfc3339(*p50) + " as likely as not, at " +
                             to_rfc3339(*p90) + " in nine nights of ten";
    note(late ? ledger::kBatchAtRisk : ledger::kBatchOnTime, batch,
         late ? when + ": " + in_minutes(*p90 - *batch.deadline) +
                    " after its deadline; raise its priority, add workers or ask for less"
              : when);
  }
  put(batch);
}

}  // namespace pirouette::core
