// Who could render a recipe and does not. See explain.h.

#include <algorithm>
#include <string_view>

#include "common/job/recipe.h"
#include "coordinator/http/explain.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/takers.h"

namespace pirouette::http {
namespace {

using Workers = std::vector<const store::WorkerRow*>;

constexpr std::string_view kRests = "rests for ";

// Of the workers that could, how many a sentence names.
constexpr std::size_t kWorkersNamedMax = 3;

const core::LedgerRow* find_word(const FarmView& farm, WorkerId worker) {
  const auto word = std::ranges::find(farm.capacity_words, worker,
                                      [](const core::LedgerRow& row) { return row.worker; });
  return word == farm.capacity_words.end() ? nullptr : &*word;
}

std::optional<Instant> rests(const FarmView& farm, const core::Worker& worker) {
  const core::LedgerRow* const word = find_word(farm, worker.id);
  if (!word) return std::nullopt;
  const auto until = rests_until(*word);
  return until && *until > farm.now ? until : std::nullopt;
}

// "gpu-1, gpu-2, gpu-3 and 4 more".
std::string names_of(const Workers& workers) {
  std::string names;
  const std::size_t named = std::min(workers.size(), kWorkersNamedMax);
  for (std::size_t i = 0; i < named; ++i) {
    const bool last = i + 1 == workers.size();
    names += (i == 0 ? "" : last ? " and " : ", ") + workers[i]->worker.name;
  }
  if (workers.size() > named) names += " and " + std::to_string(workers.size() - named) + " more";
  return names;
}

bool would_render(core::Worker worker, const Recipe& recipe) {
  worker.state = core::WorkerState::online;
  return can_render(worker, recipe);
}

// Workers that could render it, by what keeps them from it.
struct Takers {
  Workers draining, away, refusing, quarantined, resting, full, free;
};

Takers sort_takers(const Recipe& recipe, const FarmView& farm) {
  Takers takers;
  for (const store::WorkerRow& row : farm.workers) {
    const core::Worker& worker = row.worker;
    if (!would_render(worker, recipe)) continue;
    const bool online = worker.state == core::WorkerState::online;
    (worker.state == core::WorkerState::draining ? takers.draining
     : !online                                   ? takers.away
     : worker.capacity == 0                      ? takers.refusing
     : !worker.quarantine.empty()                ? takers.quarantined
     : rests(farm, worker)                       ? takers.resting
     : row.leases.size() >= worker.capacity      ? takers.full
                                                 : takers.free)
        .push_back(&row);
  }
  return takers;
}

void add_facts(Explanation& waiting, const Workers& workers, const std::string& kind,
               const std::string& text) {
  for (const store::WorkerRow* row : workers) {
    Fact fact{.kind = kind, .text = row->worker.name + " " + text};
    fact.worker = row->worker.id;
    waiting.facts.push_back(std::move(fact));
  }
}

std::string resting_words(const FarmView& farm, const Workers& workers) {
  const core::LedgerRow* const word = find_word(farm, workers.front()->worker.id);
  return names_of(workers) +
         (workers.size() == 1 ? " could take it and rests until "
                              : " could take it and rest, the first until ") +
         to_rfc3339(*rests_until(*word)) + " (" + word->detail +
         "); a worker that works again is asked sooner once it is restarted";
}

std::string refusing_words(const FarmView& farm, const Workers& workers) {
  const core::LedgerRow* const word = find_word(farm, workers.front()->worker.id);
  std::string text =
      names_of(workers) + (workers.size() == 1 ? " has its model and LoRAs and takes no work"
                                               : " have its model and LoRAs and take no work");
  if (word) text += " (" + workers.front()->worker.name + " says: " + word->detail + ")";
  return text + "; mend that and restart it";
}

std::string quarantined_words(const Workers& workers) {
  const core::Worker& first = workers.front()->worker;
  if (workers.size() == 1) {
    return first.name + " could take it and is in quarantine: " + first.quarantine +
           "; it works again once it has made a picture that is known";
  }
  return names_of(workers) + " could take it and are in quarantine (" + first.name + ": " +
         first.quarantine + "); each works again once it has made a picture that is known";
}

std::string nobody_words(const Recipe& recipe, const FarmView& farm, const Takers& takers) {
  const bool any_online = std::ranges::any_of(farm.workers, [](const store::WorkerRow& row) {
    return row.worker.state == core::WorkerState::online;
  });
  std::string text = any_online ? what_is_missing(recipe, farm.workers)
                                : "no worker is online; start one with pirouette-worker serve";
  if (!takers.draining.empty()) {
    text += "; " + names_of(takers.draining) + " could, but " +
            (takers.draining.size() == 1 ? "is" : "are") + " draining";
  } else if (!takers.away.empty() && any_online) {
    text += "; " + names_of(takers.away) + " could, but " +
            (takers.away.size() == 1 ? "is" : "are") + " not connected";
  }
  return text;
}

}  // namespace

std::optional<Instant> rests_until(const core::LedgerRow& word) {
  const std::string_view detail = word.detail;
  if (!detail.starts_with(kRests)) return std::nullopt;
  const std::string_view rest = detail.substr(kRests.size());
  const auto length = parse_number(rest.substr(0, rest.find(' ')));
  if (!length) return std::nullopt;
  return word.at + seconds(static_cast<std::int64_t>(*length));
}

Explanation explain_waiting(const Recipe& recipe, const FarmView& farm) {
  const Takers takers = sort_takers(recipe, farm);
  Explanation waiting;
  if (!farm.stopped.empty()) {
    waiting.sentence = stopped_words(farm.stopped);
    waiting.facts.push_back({.kind = "farm_stopped", .text = farm.stopped});
    return waiting;
  }
  add_facts(waiting, takers.free, "worker_free", "has room");
  add_facts(waiting, takers.full, "worker_busy", "has as many jobs as it takes");
  add_facts(waiting, takers.resting, "worker_resting", "rests after failures");
  add_facts(waiting, takers.refusing, "worker_takes_nothing", "takes no work");
  add_facts(waiting, takers.quarantined, "worker_quarantined", "is in quarantine");
  add_facts(waiting, takers.draining, "worker_draining", "is draining");
  add_facts(waiting, takers.away, "worker_away", "is not connected");
  if (!takers.free.empty()) {
    const bool one = takers.free.size() == 1;
    waiting.sentence = names_of(takers.free) +
                       (one ? " has room for it and is asked within a second, or a little later "
                              "if it just refused or failed it"
                            : " have room for it and are asked within a second, or a little later "
                              "if they just refused or failed it");
  } else if (!takers.full.empty()) {
    waiting.sentence =
        names_of(takers.full) +
        (takers.full.size() == 1 ? " could take it and is busy" : " could take it and are busy");
  } else if (!takers.resting.empty()) {
    waiting.sentence = resting_words(farm, takers.resting);
  } else if (!takers.quarantined.empty()) {
    waiting.sentence = quarantined_words(takers.quarantined);
  } else if (!takers.refusing.empty()) {
    waiting.sentence = refusing_words(farm, takers.refusing);
  } else {
    waiting.sentence = nobody_words(recipe, farm, takers);
    waiting.facts.insert(waiting.facts.begin(),
                         Fact{.kind = "nobody_can", .text = what_is_missing(recipe, farm.workers)});
  }
  return waiting;
}

}  // namespace pirouette::http
