// Why a worker renders nothing, or what. See explain.h.

#include <algorithm>
#include <set>

#include "common/job/recipe.h"
#include "coordinator/http/explain.h"
#include "coordinator/http/takers.h"

namespace pirouette::http {
namespace {

std::uint64_t waiting_of(const store::BatchRow& row) {
  const std::int64_t waiting = jobs_left(row.batch) - row.jobs_running - row.jobs_held;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, waiting));
}

std::string jobs(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " job" : " jobs");
}

void explain_idle(Explanation& it, const core::Worker& worker, const FarmView& farm) {
  for (const store::BatchRow& row : farm.running) {
    const std::uint64_t waiting = waiting_of(row);
    if (waiting == 0) continue;
    const std::string batch = std::to_string(row.batch.id.value);
    const std::string lacks = what_it_lacks(worker, *row.batch.recipe);
    Fact fact{.kind = lacks.empty() ? "batch_waits" : "worker_lacks",
              .text = lacks.empty() ? "batch " + batch + " has " + jobs(waiting) + " for it"
                                    : "batch " + batch + " wants " + lacks};
    fact.batch = row.batch.id;
    fact.worker = worker.id;
    fact.count = waiting;
    it.facts.push_back(std::move(fact));
  }
  const auto first = [&](std::string_view kind) {
    const auto fact = std::ranges::find(it.facts, kind, &Fact::kind);
    return fact == it.facts.end() ? nullptr : &*fact;
  };
  if (const Fact* waits = first("batch_waits")) {
    it.sentence += " is free, and " + waits->text +
                   ": it gets one within a second, or a little later if it just refused or failed "
                   "them; if the batch is paused, once it is resumed";
  } else if (const Fact* lacks = first("worker_lacks")) {
    it.sentence += " idles: it can render none of the jobs that wait; " + lacks->text +
                   ", which it does not have; give it that and restart it";
  } else if (const auto held = std::ranges::find_if(
                 farm.running, [](const auto& batch) { return batch.jobs_held > 0; });
             held != farm.running.end()) {
    it.sentence += " idles: what is left of batch " + std::to_string(held->batch.id.value) +
                   " waits for " + held_words(held->batch);
  } else {
    it.sentence += " idles: no job waits; submit a batch";
  }
}

void explain_online(Explanation& it, const store::WorkerRow& row,
                    const std::optional<core::Progress>& progress, const FarmView& farm) {
  const core::Worker& worker = row.worker;
  const auto word = std::ranges::find(farm.capacity_words, worker.id, &core::LedgerRow::worker);
  const bool has_word = word != farm.capacity_words.end();
  const auto until = has_word ? rests_until(*word) : std::nullopt;
  if (!row.leases.empty()) {
    const store::LeasedRow& first = row.leases.front();
    it.sentence += " renders job " + std::to_string(first.job.id.value) + " (" + first.character +
                   ", " + first.view_id + ")";
    if (progress && progress->of > 0) {
      it.sentence +=
          ", step " + std::to_string(progress->step) + " of " + std::to_string(progress->of);
    }
    if (row.leases.size() > 1) {
      it.sentence += ", and has " + std::to_string(row.leases.size() - 1) + " more at hand";
    }
    for (const store::LeasedRow& leased : row.leases) {
      Fact fact{.kind = "leased", .text = leased.character + " " + leased.view_id};
      fact.batch = leased.job.batch;
      fact.sheet = leased.job.sheet;
      fact.job = leased.job.id;
      fact.worker = worker.id;
      fact.at = leased.job.leased_at;
      it.facts.push_back(std::move(fact));
    }
  } else if (worker.capacity == 0) {
    it.sentence += " takes no work";
    if (has_word) it.sentence += ": " + word->detail;
    it.sentence += "; mend that and restart it";
    it.facts.push_back({.kind = "worker_takes_nothing",
                        .text = has_word ? word->detail : "its capacity is 0",
                        .worker = worker.id});
  } else if (!worker.quarantine.empty()) {
    it.sentence +=
        " is in quarantine: " + worker.quarantine +
        "; it works again once it has made a picture that is known, and is tried at once "
        "when it is restarted";
    it.facts.push_back(
        {.kind = "worker_quarantined", .text = worker.quarantine, .worker = worker.id});
  } else if (!farm.stopped.empty()) {
    it.sentence += " gets nothing, like all others: " + farm.stopped;
    it.facts.push_back({.kind = "farm_stopped", .text = farm.stopped});
  } else if (until && *until > farm.now) {
    it.sentence += " rests until " + to_rfc3339(*until) + " (" + word->detail +
                   "); see its log; restarted, it is asked at once";
    Fact fact{.kind = "worker_resting", .text = word->detail};
    fact.worker = worker.id;
    fact.at = until;
    it.facts.push_back(std::move(fact));
  } else {
    explain_idle(it, worker, farm);
  }
}

}  // namespace

Explanation explain_worker(const store::WorkerRow& row,
                           const std::optional<core::Progress>& progress, const FarmView& farm) {
  const core::Worker& worker = row.worker;
  Explanation it{std::string(name(worker.state)), "worker " + worker.name, {}};
  const std::string heard = to_rfc3339(worker.heard_at);
  const auto away = [&](const std::string& kind) {
    Fact fact{.kind = kind, .text = worker.name + " was last heard at " + heard};
    fact.worker = worker.id;
    fact.at = worker.heard_at;
    it.facts.push_back(std::move(fact));
  };
  switch (worker.state) {
    case core::WorkerState::online:
      explain_online(it, row, progress, farm);
      break;
    case core::WorkerState::draining:
      it.sentence += row.leases.empty()
                         ? " has drained: it has nothing left and gets nothing new; stop it, or "
                           "restart it to let it work again"
                         : " drains: it finishes " + jobs(row.leases.size()) +
                               " and gets nothing new; restart it to let it work again";
      it.facts.push_back({.kind = "worker_draining",
                          .text = "people asked it to drain",
                          .worker = worker.id,
                          .count = row.leases.size()});
      break;
    case core::WorkerState::lost:
      it.sentence += " fell silent at " + heard +
                     ", and its jobs went back to the queue; see that its machine and network are "
                     "up, and start pirouette-worker serve there";
      away("worker_lost");
      break;
    case core::WorkerState::gone:
      it.sentence += " said goodbye at " + heard + "; start pirouette-worker serve to have it back";
      away("worker_gone");
      break;
  }
  it.sentence.front() = 'W';
  it.sentence += ".";
  return it;
}

}  // namespace pirouette::http
