#include "coordinator/core/placement.h"

#include <algorithm>

namespace pirouette::core {
namespace {

constexpr int kSameWeights = 4;
constexpr int kSameReference = 2;
constexpr int kNoOtherClass = 1;
constexpr int kBest = kSameWeights + kSameReference + kNoOtherClass;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Walks the fair order once and keeps the best job so far.
class Search {
 public:
  Search(const Applicant& applicant, const Policy& policy,
         const std::function<bool(JobId)>& may_take)
      : applicant_(applicant),
        overtakings_max_(policy.overtakings_max),
        may_take_(may_take),
        left_(policy.look_ahead) {}

  // False: it need not look further.
  bool look(const LineRank& rank, const Queue::Line& line) {
    if (rank.idle_only && (front_ || !applicant_.empty_handed)) return false;
    if (line.paused || !can_render(applicant_.worker, *line.recipe)) return true;
    const int weights = applicant_.residency.has_weights(*line.recipe) ? kSameWeights : 0;
    const bool little_counts = !front_ || rank.minus_priority == minus_priority_;
    const int line_best = weights + (little_counts ? kSameReference + kNoOtherClass : 0);
    if (line_best <= score_) return spend(1);
    for (const auto& [sheet, group] : line.groups) {
      const int score = weights + (little_counts ? little_score(group) : 0);
      if (!look(group, score, rank)) return false;
    }
    return true;
  }

  std::optional<Choice> choice() const {
    if (!front_) return std::nullopt;
    return Choice{best_, best_ == front_ ? JobId{} : front_};
  }

 private:
  int little_score(const Queue::Group& group) const {
    const bool no_other = group.device_class == 0 || group.device_class == applicant_.device_class;
    return (applicant_.residency.has_reference(group.reference) ? kSameReference : 0) +
           (no_other ? kNoOtherClass : 0);
  }

  bool look(const Queue::Group& group, int score, const LineRank& rank) {
    if (score <= score_) return spend(group.jobs.size());
    for (const Queue::Waiting& waiting : group.jobs) {
      if (!spend(1)) return false;
      if (score <= score_ || !may_take_(waiting.job)) continue;
      if (!front_) {
        front_ = waiting.job;
        minus_priority_ = rank.minus_priority;
        if (waiting.overtaken >= overtakings_max_) score = kBest;
      }
      best_ = waiting.job;
      score_ = score;
      if (score_ == kBest) return false;
    }
    return true;
  }

  // Of the jobs it looks at. False: none are left.
  bool spend(std::size_t jobs) {
    if (left_ < jobs) return false;
    left_ -= jobs;
    return true;
  }

  const Applicant& applicant_;
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
  return fetched <= worker.lora_cache_bytes && contains(worker.models, recipe.model) &&
         std::all_of(recipe.required_tags.begin(), recipe.required_tags.end(),
                     [&](const std::string& tag) { return contains(worker.tags, tag); });
}

std::optional<Choice> choose(const Queue& queue, const Applicant& applicant, const Policy& policy,
                             const std::function<bool(JobId)>& may_take) {
  Search search(applicant, policy, may_take);
  queue.visit(
      [&](const LineRank& rank, const Queue::Line& line) { return search.look(rank, line); });
  return search.choice();
}

}  // namespace pirouette::core
