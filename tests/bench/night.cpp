#include "tests/bench/night.h"

#include <sys/resource.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <vector>

#include "coordinator/core/core.h"
#include "coordinator/store/store.h"
#include "tests/bench/measure.h"
#include "tests/bench/night_account.h"
#include "tests/bench/night_machines.h"

namespace pirouette::bench {
namespace {

constexpr Instant kEvening{1'767'225'600'000'000};
constexpr std::size_t kSheetsABatch = 500;
constexpr std::size_t kBatchesMin = 8;
constexpr std::size_t kOwners = 20, kLoras = 12;
// What a loop that commits takes together; see runtime/loop.h.
constexpr Duration kRound = milliseconds(5);
constexpr Duration kAssembly = milliseconds(300);
// Longer than anything that is waited for in between: a quarantine's probes, a farm that stopped.
constexpr Duration kStuck = seconds(6 * 3600);

double thread_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double peak_mib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

class Night {
 public:
  explicit Night(const NightPlan& plan)
      : plan_(plan),
        views_(standard_views().size()),
        account_(plan.jobs + views_ * kBatchesMin),
        machines_(plan.workers, plan.seed, kEvening),
        core_(core::State{}, core::Policy{}, kEvening) {
    if (plan.folder.empty()) return;
    scratch_.emplace(plan.folder);
    store_ = need(store::Store::open(scratch_->path() / "farm.db"));
    store_->lay_out_log();
  }

  NightReport run() {
    const Stopwatch watch;
    plan_batches();
    while (!is_over() && account_.broken().empty()) play_round();
    if (account_.broken().empty()) account_.close(submitted_);
    for (const std::string& broken : core_.find_broken_invariants()) {
      account_.break_with(broken, {});
    }
    report_.broken = account_.broken();
    report_.real_seconds = watch.seconds();
    report_.night_seconds = static_cast<double>((now_ - kEvening).us) / 1e6;
    report_.done = account_.done();
    report_.failed = account_.failed();
    report_.leases = account_.leases();
    report_.twins = account_.count(core::ledger::kJobTwinned);
    report_.requeued = account_.count(core::ledger::kJobRequeued);
    report_.workers_lost = account_.count(core::ledger::kWorkerLost);
    report_.quarantines = account_.count(core::ledger::kWorkerQuarantined);
    report_.decisions = account_.decisions();
    report_.peak_mib = peak_mib();
    return report_;
  }

 private:
  struct Submission {
    Instant at;
    std::size_t sheets;
  };
  struct Assembled {
    Instant at;
    core::SheetAssembled event;
  };

  // Three quarters in the evening, the rest until half of the work must be done.
  void plan_batches() {
    const std::size_t sheets = std::max(kBatchesMin, plan_.jobs / views_);
    const std::size_t a_batch = std::clamp<std::size_t>(sheets / kBatchesMin, 1, kSheetsABatch);
    const double half =
        static_cast<double>(plan_.jobs) / Machines::jobs_per_second(plan_.workers) / 2;
    const std::size_t batches = (sheets + a_batch - 1) / a_batch, early = batches * 3 / 4;
    for (std::size_t i = 0, first = 0; i < batches; ++i, first += a_batch) {
      const auto late = i < early ? 0
                                  : static_cast<std::int64_t>(half * 1e6) *
                                        static_cast<std::int64_t>(i - early) /
                                        static_cast<std::int64_t>(batches - early);
      submissions_.push_back(
          {kEvening + milliseconds(20 * static_cast<std::int64_t>(i)) + Duration{late},
           std::min(a_batch, sheets - first)});
    }
  }

  core::BatchSubmitted make_batch(std::size_t index, std::size_t sheets) const {
    core::BatchSubmitted event;
    BatchSpec& batch = event.batch;
    batch.name = "batch" + std::to_string(index);
    batch.owner = "owner" + std::to_string(index * 7 % kOwners);
    if (index % 6 == 1) batch.priority = 80;
    if (index % 6 == 4) batch.priority = 20;
    if (index % 2 == 0)
      batch.deadline = kEvening + seconds(3600 * (8 + static_cast<std::int64_t>(index % 3)));
    batch.idle_only = index % 16 == 9;
    batch.recipe.views = standard_views();
    batch.recipe.prompt = default_prompt_template();
    batch.recipe.loras.push_back({"style" + std::to_string(index % kLoras), 1.0, "in that style"});
    if (index % 10 == 3) batch.recipe.required_tags = {"80gb"};
    for (std::size_t i = 0; i < sheets; ++i) {
      const std::string character = "batch" + std::to_string(index) + "_" + std::to_string(i);
      batch.sheets.push_back({character, sha256(character), "red scarf", std::nullopt});
    }
    return event;
  }

  bool is_over() const {
    return next_submission_ == submissions_.size() && account_.ended() == submitted_ &&
           account_.batches_finished() == submissions_.size();
  }

  void play_round() {
    gather();
    step_all();
    account_.note(effects_, now_);
    for (const core::Send& send : effects_.sends) machines_.receive(send, now_);
    for (core::AssembleSheet& task : effects_.tasks) {
      assembled_.push_back(
          {now_ + kAssembly, {task.sheet, task.version, sha256("sheet"), sha256("small"), "[]"}});
    }
    effects_.writes.clear(), effects_.sends.clear(), effects_.tasks.clear();
    effects_.replies.clear(), effects_.progress.clear();
    report_.jobs_in_memory = std::max(report_.jobs_in_memory, core_.state().jobs.size());
    if (account_.ended() != ended_) ended_ = account_.ended(), ended_at_ = now_;
    if (now_ - ended_at_ > kStuck) account_.break_with("nothing ended for hours after", {ended_});
  }

  // What comes within a round of the next thing that comes.
  void gather() {
    told_.clear();
    Instant next = std::min(machines_.next_at(), tick_at_);
    if (next_submission_ < submissions_.size())
      next = std::min(next, submissions_[next_submission_].at);
    if (!assembled_.empty()) next = std::min(next, assembled_.front().at);
    const Instant until = next + kRound;
    for (; tick_at_ <= until; tick_at_ = tick_at_ + core::Policy{}.tick) {
      told_.push_back({tick_at_, core::Ticked{}});
    }
    for (; next_submission_ < submissions_.size() && submissions_[next_submission_].at <= until;
         ++next_submission_) {
      const auto& [at, sheets] = submissions_[next_submission_];
      told_.push_back({at, make_batch(next_submission_, sheets)});
      submitted_ += sheets * views_;
    }
    for (; !assembled_.empty() && assembled_.front().at <= until; assembled_.pop_front()) {
      told_.push_back({assembled_.front().at, std::move(assembled_.front().event)});
    }
    machines_.act_until(until, told_);
    std::ranges::stable_sort(told_, {}, &Told::at);
  }

  void step_all() {
    const double began = thread_seconds();
    double ticks = 0;
    for (const Told& told : told_) {
      now_ = std::max(now_, told.at);
      const bool is_tick = std::holds_alternative<core::Ticked>(told.event);
      const double before = is_tick ? thread_seconds() : 0;
      core_.step(told.event, now_, effects_);
      if (is_tick) ticks += thread_seconds() - before;
    }
    const double stepped = thread_seconds();
    if (store_) need(store_->commit(effects_.writes));
    const double committed = thread_seconds();
    report_.events += told_.size();
    report_.jobs_seconds += stepped - began - ticks;
    report_.ticks_seconds += ticks;
    if (store_) report_.store_seconds += committed - stepped;
    report_.longest_round_ms = std::max(report_.longest_round_ms, (committed - began) * 1000);
  }

  const NightPlan plan_;
  const std::size_t views_;
  NightAccount account_;
  Machines machines_;
  core::Core core_;
  std::optional<Scratch> scratch_;
  std::unique_ptr<store::Store> store_;
  NightReport report_;

  std::vector<Submission> submissions_;
  std::size_t next_submission_ = 0, submitted_ = 0;
  std::deque<Assembled> assembled_;
  Instant now_ = kEvening, tick_at_ = kEvening, ended_at_ = kEvening;
  std::size_t ended_ = 0;
  std::vector<Told> told_;
  core::Effects effects_;
};

}  // namespace

NightReport play(const NightPlan& plan) { return Night(plan).run(); }

}  // namespace pirouette::bench
