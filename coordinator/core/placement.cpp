#include "coordinator/core/placement.h"

#include <algorithm>

namespace pirouette::core {
namespace {

constexpr int kSameWeights = 2;
constexpr int kSameReference = 1;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Walks the fair order once and keeps the best job so far.
class Search {
 public:
  Search(const Residency& residency, const Policy& policy,
         const std::function<bool(JobId)>& may_take)
      : residency_(residency),
        overtakings_max_(policy.overtakings_max),
        may_take_(may_take),
        left_(policy.look_ahead) {}

  // False: it need not look further.
  bool look(const Queue::Rank& rank, const Queue::Line& line) {
    const bool same_weights = residency_.has_weights(*line.recipe);
    const bool references_count = !front_ || rank.minus_priority == minus_priority_;
    const int line_best =
        (same_weights ? kSameWeights : 0) + (references_count ? kSameReference : 0);
    if (line_best <= score_) return spend(1);
    for (const auto& [sheet, group] : line.groups) {
      const bool same_reference = references_count && residency_.has_reference(group.reference);
      const int score = (same_weights ? kSameWeights : 0) + (same_reference ? kSameReference : 0);
      if (!look(group, score, rank)) return false;
    }
    return true;
  }

  std::optional<Choice> choice() const {
    if (!front_) return std::nullopt;
    return Choice{best_, best_ == front_ ? JobId{} : front_};
  }

 private:
  bool look(const Queue::Group& group, int score, const Queue::Rank& rank) {
    if (score <= score_) return spend(group.jobs.size());
    for (const Queue::Waiting& waiting : group.jobs) {
      if (!spend(1)) return false;
      if (score <= score_ || !may_take_(waiting.job)) continue;
      if (!front_) {
        front_ = waiting.job;
        minus_priority_ = rank.minus_priority;
        if (waiting.overtaken >= overtakings_max_) score = kSameWeights + kSameReference;
      }
      best_ = waiting.job;
      score_ = score;
      if (score_ == kSameWeights + kSameReference) return false;
    }
    return true;
  }

  // Of the jobs it looks at. False: none are left.
  bool spend(std::size_t jobs) {
    if (left_ < jobs) return false;
    left_ -= jobs;
    return true;
  }

  const Residency& residency_;
  const std::uint32_t overtakings_max_;
  const std::function<bool(JobId)>& may_take_;
  std::size_t left_;
  JobId front_, best_;
  int minus_priority_ = 0;
  int score_ = -1;
};

}  // namespace

void Residency::note(std::shared_ptr<const Recipe> rendered, const Digest& reference) {
  recipe = std::move(rendered);
  if (has_reference(reference)) return;
  if (references.size() == kReferencesMax) references.erase(references.begin());
  references.push_back(reference);
}

bool Residency::has_reference(const Digest& reference) const {
  return std::find(references.begin(), references.end(), reference) != references.end();
}

bool Residency::has_weights(const Recipe& of) const {
  return recipe &&
         (recipe.get() == &of || (recipe->model == of.model && recipe->loras == of.loras));
}

bool can_render(const Worker& worker, const Recipe& recipe) {
  std::uint64_t fetched = 0;
  for (const RecipeLora& lora : recipe.loras) {
    if (!lora.sha256 && !contains(worker.loras, lora.name)) return false;
    fetched += lora.bytes;
  }
  return fetched <= worker.lora_cache_bytes && contains(worker.models, recipe.model);
}

std::optional<Choice> choose(const Queue& queue, const Worker& worker, const Residency& residency,
                             const Policy& policy, const std::function<bool(JobId)>& may_take) {
  Search search(residency, policy, may_take);
  for (const auto& [rank, line] : queue.lines()) {
    if (line.paused || !can_render(worker, *line.recipe)) continue;
    if (!search.look(rank, line)) break;
  }
  return search.choice();
}

}  // namespace pirouette::core
