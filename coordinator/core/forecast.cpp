#include "coordinator/core/forecast.h"

#include <algorithm>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "coordinator/core/placement.h"
#include "coordinator/core/roots.h"

namespace pirouette::core {
namespace {

// Of a mean's time, for what the evening's jobs do not tell of the night: rare slow jobs that none
// of them was, a worker that is lost. Of 100 nights of 300 jobs (tests/support/forecast_nights.h)
// P90 held in 63 with 0, 75 with 20, 87 with 40, and 96 with 60.
constexpr std::int64_t kDriftPermille = 45;
// 1.28 standard deviations above the mean is the ninth of ten.
constexpr std::int64_t kNinthPermille = 1282;

// Workers that can render the same are of one skill. What each recipe needs is asked once a skill.
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
    examples_.resize(std::min(examples_.size(), kSkillsMax));
  }

  // kSkillsMax and more: one that is left out.
  std::size_t of(std::size_t worker) const { return of_[worker]; }

  // Of those who can render it, a bit a skill.
  std::uint64_t that_can_render(const Recipe& recipe) {
    const Needs needs{recipe.model, recipe.loras, recipe.required_tags};
    const auto [known, is_new] = known_.try_emplace(needs, 0);
    if (!is_new) return known->second;
    for (std::size_t skill = 0; skill < examples_.size(); ++skill) {
      if (can_render(*examples_[skill], recipe)) known->second |= std::uint64_t{1} << skill;
    }
    return known->second;
  }

 private:
  using Names = std::vector<std::string>;
  using What = std::tuple<const Names&, const Names&, const Names&, const std::uint64_t&>;
  struct Needs {
    std::string model;
    std::vector<std::pair<std::string, std::uint64_t>> loras;  // bytes; 0: a file of the worker's
    Names tags;
    Needs(std::string of, const std::vector<RecipeLora>& named, Names required)
        : model(std::move(of)), tags(std::move(required)) {
      for (const RecipeLora& lora : named) {
        loras.emplace_back(lora.name, lora.sha256 ? lora.bytes : 0);
      }
    }
    auto operator<=>(const Needs&) const = default;
  };

  std::vector<const Worker*> examples_;
  std::vector<std::size_t> of_;
  std::map<Needs, std::uint64_t> known_;
};

// One way ahead; worse: the ninth night of ten. Lines that the same workers can render stand in an
// order of their own, so that no worker looks through what is not for it.
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
      Order& order = orders_[skills.that_can_render(*line.recipe)];
      order.set_share(line.rank.owner, shares_.share(line.rank.owner, plan.now));
      order.make(line.rank) = line;
      jobs_ += line.jobs;
    }
    left_ = jobs_;
  }

  std::map<BatchId, Instant> run() && {
    ready_ = plan_.running_until;
    std::priority_queue<Next, std::vector<Next>, std::greater<>> free;
    for (std::size_t i = 0; i < plan_.workers.size(); ++i) {
      const PlannedWorker& worker = plan_.workers[i];
      until_.push_back(std::max(plan_.now, worker.free_at));
      if (skills_.of(i) >= kSkillsMax) continue;
      free.push({takes_reserve(worker) ? std::max(plan_.now, worker.asks_for) : until_[i], i});
    }
    while (!free.empty() && left_ > 0) {
      const auto [at, worker] = free.top();
      free.pop();
      if (const auto asks = give_work(worker, at)) free.push({*asks, worker});
    }
    for (const BatchId batch : unknown_) ready_.erase(batch);
    for (const auto& [skills, order] : orders_) {
      order.visit([&](const LineRank& rank, const PlannedLine&) {
        ready_.erase(rank.batch);  // nobody came for it
        return true;
      });
    }
    return std::move(ready_);
  }

 private:
  using Next = std::pair<Instant, std::size_t>;
  using Order = FairOrder<PlannedLine>;

  // The first in all orders that workers of that skill can render.
  std::pair<Order*, LineRank> find_first(std::size_t skill) {
    Order* best = nullptr;
    LineRank first;
    const auto key = [&](const LineRank& rank) {
      return std::tuple(rank.idle_only, rank.minus_priority, shares_.share(rank.owner, plan_.now),
                        rank.owner, rank.deadline, rank.batch);
    };
    for (auto& [skills, order] : orders_) {
      if ((skills >> skill & 1) == 0) continue;
      order.visit([&](const LineRank& rank, const PlannedLine&) {
        if (!best || key(rank) < key(first)) {
          best = &order;
          first = rank;
        }
        return false;
      });
    }
    return {best, first};
  }

  static bool takes_reserve(const PlannedWorker& worker) { return worker.row->capacity > 1; }

  // When it asks again; none: there is nothing for it.
  std::optional<Instant> give_work(std::size_t index, Instant at) {
    const PlannedWorker& worker = plan_.workers[index];
    const auto [order, rank] = find_first(skills_.of(index));
    if (!order) return std::nullopt;
    PlannedLine& line = *order->find(rank);
    const std::int64_t jobs = std::min(line.jobs, next_bundle());
    const auto like = durations_.guess(line.kind, worker.device);
    if (!like) unknown_.insert(rank.batch);
    const Duration one = like ? duration_of(*like) : Duration{};
    const Instant begins = std::max(until_[index], at), until = begins + one * jobs;
    until_[index] = until;
    // A batch is ready with the last of several jobs, and that is rarely an average one.
    const Instant ends = until + (like ? like->deviation : Duration{});
    Instant& ready = ready_.try_emplace(rank.batch, ends).first->second;
    ready = std::max(ready, ends);
    line.jobs -= jobs;
    left_ -= jobs;
    if (line.jobs == 0) order->erase(rank);
    shares_.add(rank.owner, one * jobs, plan_.now);
    const std::uint64_t share = shares_.share(rank.owner, plan_.now);
    for (auto& [skills, each] : orders_) each.set_share(rank.owner, share);
    return takes_reserve(worker) ? begins + one * (jobs - 1) : until;
  }

  // One by one first; from kStepsMax on in such bundles that there are as many steps again, but
  // two a worker at least.
  std::int64_t next_bundle() {
    if (++steps_ <= kStepsMax) return 1;
    if (bundle_ == 0) {
      const auto workers = static_cast<std::int64_t>(plan_.workers.size());
      bundle_ = std::min(left_ / kStepsMax, left_ / (2 * workers)) + 1;
    }
    return bundle_;
  }

  Duration duration_of(const Durations::Measured& like) const {
    std::int64_t ms = like.mean.us / 1000;
    ms = ms * 1000 / std::max<std::int64_t>(100, 1000 - plan_.failed_permille);
    if (worse_) {
      // Each worker's jobs scatter, and so does what the mean was measured from.
      const auto workers =
          static_cast<std::int64_t>(std::max<std::size_t>(1, plan_.workers.size()));
      const std::int64_t each = std::max<std::int64_t>(1, jobs_ / workers);
      const std::int64_t count = std::max<std::int64_t>(1, like.count);
      const std::int64_t root_permille = root(1'000'000 / each + 1'000'000 / count);
      const std::int64_t deviation = like.deviation.us / 1000;
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
  std::map<std::uint64_t, Order> orders_;  // by the skills that can render them
  std::vector<Instant> until_;             // of each worker: it has work
  std::int64_t jobs_ = 0, left_ = 0;
  std::int64_t steps_ = 0, bundle_ = 0;
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
