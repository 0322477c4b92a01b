#pragma once
// Nights by which a forecast is judged: the real core on a virtual clock, eight workers of two
// classes, jobs that scatter, some that take three times as long, some that fail, and in one night
// of five a worker that is lost for half of it. Once a tenth of the work is done, what the farm
// says is kept; when the batch is over, it is compared with the truth.

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "common/rng.h"
#include "coordinator/core/core.h"

namespace pirouette::core {

class ForecastNight {
 public:
  ForecastNight(std::uint64_t seed, std::size_t jobs) : rng_(seed), jobs_(jobs) {}

  struct Outcome {
    Instant start, said_at, p50, p90, over;
  };
  std::optional<Outcome> run() {
    for (std::size_t i = 0; i < kWorkers; ++i) hello(i);
    submit();
    const bool loses_one = rng_.below(5) == 0;
    const Duration night = kAJob * static_cast<std::int64_t>(jobs_);
    const Instant lost_at =
        now_ +
        Duration{static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(night.us)))};
    const Instant back_at = lost_at + Duration{night.us / 2};
    Outcome outcome;
    outcome.start = now_;
    while (done_ < jobs_ && now_ < outcome.start + seconds(7 * 24 * 3600)) {
      now_ = now_ + kStep;
      const bool away = loses_one && lost_at <= now_ && now_ < back_at;
      if (away_ && !away) hello(0);
      if (away && !away_) {
        for (auto& [lease, run] : runs_) run.gone = run.gone || run.worker == 0;
      }
      away_ = away;
      for (std::size_t i = away ? 1 : 0; i < kWorkers; ++i) step(WorkerWasHeard{links_[i], ""});
      end_due_jobs();
      step(Ticked{});
      if (outcome.p90 != Instant{} || done_ < jobs_ / 10) continue;
      const Batch& batch = core_.state().batches.begin()->second;
      if (!batch.ready_p50) continue;
      outcome.said_at = now_;
      outcome.p50 = *batch.ready_p50;
      outcome.p90 = *batch.ready_p90;
    }
    outcome.over = now_;
    if (done_ < jobs_ || outcome.p90 == Instant{}) return std::nullopt;
    return outcome;
  }

 private:
  static constexpr std::size_t kWorkers = 8;
  // A job takes half a minute and more: finer steps would only cost.
  static constexpr Duration kStep = seconds(2);
  // What all of them together take for one: 31 s on each of four, 62 s on four others.
  static constexpr Duration kAJob = milliseconds(5'200);

  struct Run {
    std::size_t worker = 0;
    JobId job;
    Duration takes;
    Instant ends_at = kNever;  // once it is begun
    bool gone = false;
  };

  void hello(std::size_t worker) {
    links_[worker] = {++link_};
    WorkerSaidHello hello;
    hello.link = links_[worker];
    hello.name = "w" + std::to_string(worker);
    hello.device_kind = "cuda";
    hello.device_name = worker < kWorkers / 2 ? "fast" : "slow";
    hello.capacity = 2;
    hello.models = {"m"};
    step(hello);
  }

  void submit() {
    BatchSubmitted event;
    event.batch.recipe.model = "m";
    event.batch.recipe.prompt = "{view}";
    for (int i = 0; i < 6; ++i) {
      event.batch.recipe.views.push_back({"v" + std::to_string(i), 0, "view", "", "front", "left"});
    }
    for (std::size_t i = 0; i < jobs_ / 6; ++i) {
      const std::string character = "c" + std::to_string(i);
      event.batch.sheets.push_back({character, sha256(character), "", std::nullopt});
    }
    jobs_ = jobs_ / 6 * 6;
    step(event);
  }

  // 30 s give or take a third, one in fifty three times as long; twice that on the slow ones.
  Duration draw(std::size_t worker) {
    std::int64_t ms = 20'000;
    for (int i = 0; i < 4; ++i) ms += static_cast<std::int64_t>(rng_.below(5'000));
    if (rng_.below(50) == 0) ms *= 3;
    return milliseconds(worker < kWorkers / 2 ? ms : ms * 2);
  }

  // Each worker renders its oldest lease.
  void end_due_jobs() {
    std::map<std::size_t, LeaseId> first;
    for (const auto& [lease, run] : runs_) {
      if (!run.gone) first.try_emplace(run.worker, lease);
    }
    for (const auto& [worker, lease] : first) {
      const auto found = runs_.find(lease);
      if (found == runs_.end()) continue;
      Run& run = found->second;
      if (run.ends_at == kNever) run.ends_at = now_ + run.takes;
      if (now_ < run.ends_at) continue;
      const JobId job = run.job;
      runs_.erase(lease);
      if (rng_.below(100) == 0) {
        step(LeaseFailed{links_[worker], lease, FailureClass::retryable, "out of memory"});
      } else {
        step(LeaseFinished{links_[worker], lease, job, sha256("p"), "{}", true});
      }
    }
  }

  void step(const Event& event) {
    const Effects effects = core_.step(event, now_);
    for (const Send& send : effects.sends) {
      if (const auto* assign = std::get_if<SendAssign>(&send)) {
        const auto link = std::find(links_.begin(), links_.end(), assign->link);
        const auto worker = static_cast<std::size_t>(link - links_.begin());
        runs_[assign->lease] = {worker, assign->job, draw(worker)};
      }
      if (const auto* cancel = std::get_if<SendCancel>(&send)) runs_.erase(cancel->lease);
    }
    for (const Write& write : effects.writes) {
      const auto* put = std::get_if<PutBatch>(&write);
      if (put) done_ = put->row.jobs_done + put->row.jobs_failed;
    }
  }

  Rng rng_;
  std::size_t jobs_, done_ = 0;
  Instant now_{1'767'225'600'000'000};
  Core core_{State{}, Policy{}, now_};
  std::uint64_t link_ = 0;
  std::vector<LinkId> links_ = std::vector<LinkId>(kWorkers);
  std::map<LeaseId, Run> runs_;
  bool away_ = false;
};

// How often what was said held, of so many nights.
struct ForecastRecord {
  std::size_t told = 0, by_p50 = 0, by_p90 = 0;
  std::vector<double> errors;  // truth behind P50, as a part of the time that was left; sorted
};

inline ForecastRecord keep_forecasts(std::size_t nights, std::size_t jobs) {
  ForecastRecord record;
  for (std::size_t seed = 1; seed <= nights; ++seed) {
    const auto outcome = ForecastNight(seed, jobs).run();
    if (!outcome) continue;
    ++record.told;
    record.by_p50 += outcome->over <= outcome->p50 ? 1 : 0;
    record.by_p90 += outcome->over <= outcome->p90 ? 1 : 0;
    record.errors.push_back(static_cast<double>((outcome->over - outcome->p50).us) /
                            static_cast<double>((outcome->over - outcome->said_at).us));
  }
  std::sort(record.errors.begin(), record.errors.end());
  return record;
}

}  // namespace pirouette::core
