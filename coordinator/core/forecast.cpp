#include "coordinator/core/forecast.h"

#include <algorithm>
#include <queue>
#include <set>
#include <string>
#include <tuple>

#include "coordinator/core/placement.h"
#include "coordinator/core/roots.h"

namespace pirouette::core {
namespace {

// Of a mean's time, for the night. Measured by bench_forecast: without it the ninth night of ten
// was missed more often than it should.
constexpr std::int64_t kDriftPermille = 40;
// 1.28 standard deviations above the mean is the ninth of ten.
constexpr std::int64_t kNinthPermille = 1282;

// Workers that can render the same are of one skill, a number: asked once for each recipe.
class Skills {
 public:
  explicit Skills(const Plan& plan) {
    std::map<What, std::size_t> known;
    for (const PlannedWorker& worker : plan.workers) {
      const Worker& row = *worker.row;
      const What what = std::tie(row.models, row.loras, row.tags, row.lora_cache_bytes);
      const auto [skill, is_new] = known.try_emplace(what, examples_.size());
      if (is_new) examples_.push_back(&row);
      of_.push_back(skill->second);
    }
  }

  std::size_t of(std::size_t worker) const { return of_[worker]; }
  bool can_render(std::size_t skill, const Recipe& recipe) {
    const auto [known, is_new] = known_.try_emplace({skill, &recipe}, false);
    if (is_new) known->second = core::can_render(*examples_[skill], recipe);
    return known->second;
  }

 private:
  using Names = std::vector<std::string>;
  using What = std::tuple<const Names&, const Names&, const Names&, const std::uint64_t&>;
  std::vector<const Worker*> examples_;
  std::vector<std::size_t> of_;
  std::map<std::pair<std::size_t, const Recipe*>, bool> known_;
};

// One way ahead; worse: the ninth night of ten.
class Night {
 public:
  Night(const Plan& plan, Skills& skills, const Durations& durations, FairShare shares, bool worse)
      : plan_(plan),
        skills_(skills),
        durations_(durations),
        shares_(std::move(shares)),
        worse_(worse) {
    for (const PlannedLine& line : plan.lines) {
      if (line.jobs <= 0) continue;
      order_.set_share(line.rank.owner, shares_.share(line.rank.owner, plan.now));
      order_.make(line.rank) = line;
      jobs_ += line.jobs;
    }
    bundle_ = jobs_ / kStepsMax + 1;
  }

  std::map<BatchId, Instant> run() && {
    ready_ = plan_.running_until;
    std::priority_queue<Next, std::vector<Next>, std::greater<>> free;
    for (std::size_t i = 0; i < plan_.workers.size(); ++i) {
      free.push({std::max(plan_.now, plan_.workers[i].free_at), i});
    }
    while (!free.empty() && !order_.empty() && looks_ < kLooksMax) {
      const auto [at, worker] = free.top();
      free.pop();
      if (const auto until = give_work(worker, at)) free.push({*until, worker});
    }
    for (const BatchId batch : unknown_) ready_.erase(batch);
    order_.visit([&](const LineRank& rank, const PlannedLine&) {
      ready_.erase(rank.batch);  // nobody came for it
      return true;
    });
    return std::move(ready_);
  }

 private:
  using Next = std::pair<Instant, std::size_t>;

  // Until when it works; none: there is nothing for it.
  std::optional<Instant> give_work(std::size_t index, Instant at) {
    const PlannedWorker& worker = plan_.workers[index];
    const std::size_t skill = skills_.of(index);
    if (idle_skills_.contains(skill)) return std::nullopt;
    const PlannedLine* first = nullptr;
    order_.visit([&](const LineRank&, const PlannedLine& line) {
      ++looks_;
      if (!skills_.can_render(skill, *line.recipe)) return true;
      first = &line;
      return false;
    });
    if (!first) {
      idle_skills_.insert(skill);
      return std::nullopt;
    }
    const LineRank rank = first->rank;
    const std::int64_t jobs = std::min(first->jobs, bundle_);
    const Duration one = duration_of(*first, worker);
    if (one == Duration{}) unknown_.insert(rank.batch);
    const Instant until = at + one * jobs;
    Instant& ready = ready_.try_emplace(rank.batch, until).first->second;
    ready = std::max(ready, until);
    PlannedLine& line = *order_.find(rank);
    line.jobs -= jobs;
    if (line.jobs == 0) order_.erase(rank);
    shares_.add(rank.owner, one * jobs, plan_.now);
    order_.set_share(rank.owner, shares_.share(rank.owner, plan_.now));
    return until;
  }

  Duration duration_of(const PlannedLine& line, const PlannedWorker& worker) const {
    const auto like = durations_.guess(line.kind, worker.device);
    if (!like) return {};
    std::int64_t ms = like->mean.us / 1000;
    ms = ms * 1000 / std::max<std::int64_t>(100, 1000 - plan_.failed_permille);
    if (worse_) {
      // Each worker's jobs scatter, and so does what the mean was measured from.
      const auto workers =
          static_cast<std::int64_t>(std::max<std::size_t>(1, plan_.workers.size()));
      const std::int64_t each = std::max<std::int64_t>(1, jobs_ / workers);
      const std::int64_t count = std::max<std::int64_t>(1, like->count);
      const std::int64_t root_permille = root(1'000'000 / each + 1'000'000 / count);
      const std::int64_t deviation = like->deviation.us / 1000;
      ms += deviation * root_permille / 1000 * kNinthPermille / 1000;
      ms += ms * kDriftPermille / 1000;
    }
    return milliseconds(std::max<std::int64_t>(1, ms));
  }

  const Plan& plan_;
  Skills& skills_;
  const Durations& durations_;
  FairShare shares_;
  const bool worse_;
  FairOrder<PlannedLine> order_;
  std::int64_t jobs_ = 0, bundle_ = 1;
  std::size_t looks_ = 0;
  std::set<std::size_t> idle_skills_;  // nothing that waits is for them
  std::map<BatchId, Instant> ready_;
  std::set<BatchId> unknown_;
};

}  // namespace

std::map<BatchId, Ready> forecast(const Plan& plan, const Durations& durations, FairShare shares) {
  Skills skills(plan);
  const auto likely = Night(plan, skills, durations, shares, false).run();
  const auto worse = Night(plan, skills, durations, std::move(shares), true).run();
  std::map<BatchId, Ready> ready;
  for (const auto& [batch, at] : likely) {
    const auto later = worse.find(batch);
    if (later != worse.end()) ready[batch] = {at, std::max(at, later->second)};
  }
  return ready;
}

}  // namespace pirouette::core
