// See takers.h.

#include "coordinator/http/takers.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "common/job/recipe.h"

namespace pirouette::http {
namespace {

using Names = std::vector<std::string>;

// Of what the workers have, how many names a sentence lists.
constexpr std::size_t kNamedMax = 10;

bool has(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_online(const core::Worker& worker) { return worker.state == core::WorkerState::online; }

bool could_take(const core::Worker& worker, const Recipe& recipe) {
  return can_render(worker, recipe) && worker.capacity > 0 && worker.quarantine.empty();
}

// Of the recipe's registered LoRAs.
std::uint64_t bytes_to_fetch(const Recipe& recipe) {
  return std::accumulate(
      recipe.loras.begin(), recipe.loras.end(), std::uint64_t{0},
      [](std::uint64_t sum, const RecipeLora& lora) { return sum + lora.bytes; });
}

// "no online worker has the LoRA ink; there are: line, wash"
std::string nobody_has(const std::string& noun, const std::string& name,
                       const std::set<std::string>& there_are) {
  std::string text = "no online worker has the " + noun + " " + name;
  if (there_are.empty()) return text + "; there are none";
  text += "; there are: ";
  std::size_t named = 0;
  for (const std::string& one : there_are) {
    if (named == kNamedMax) return text + " and others";
    text += (named++ > 0 ? ", " : "") + one;
  }
  return text;
}

}  // namespace

bool can_render(const core::Worker& worker, const Recipe& recipe) {
  return is_online(worker) && what_it_lacks(worker, recipe).empty();
}

std::string what_it_lacks(const core::Worker& worker, const Recipe& recipe) {
  if (!has(worker.models, recipe.model)) return "the model " + recipe.model;
  for (const RecipeLora& lora : recipe.loras) {
    if (!lora.sha256 && !has(worker.loras, lora.name)) return "the LoRA " + lora.name;
  }
  const std::uint64_t fetched = bytes_to_fetch(recipe);
  if (fetched > worker.lora_cache_bytes) {
    return "room for " + std::to_string(fetched) + " bytes of LoRAs (--lora-cache-size)";
  }
  for (const std::string& tag : recipe.required_tags) {
    if (!has(worker.tags, tag)) return "the tag " + tag;
  }
  return "";
}

std::string what_is_missing(const Recipe& recipe, const std::vector<store::WorkerRow>& workers) {
  std::set<std::string> models, loras, tags;
  std::uint64_t room = 0;
  for (const store::WorkerRow& row : workers) {
    if (!is_online(row.worker)) continue;
    models.insert(row.worker.models.begin(), row.worker.models.end());
    loras.insert(row.worker.loras.begin(), row.worker.loras.end());
    room = std::max(room, row.worker.lora_cache_bytes);
    tags.insert(row.worker.tags.begin(), row.worker.tags.end());
  }
  if (!models.contains(recipe.model)) return nobody_has("model", recipe.model, models);
  for (const RecipeLora& lora : recipe.loras) {
    if (lora.sha256 || loras.contains(lora.name)) continue;
    return nobody_has("LoRA", lora.name, loras);
  }
  const std::uint64_t fetched = bytes_to_fetch(recipe);
  if (fetched > room) {
    return "no online worker has room for the " + std::to_string(fetched) +
           " bytes of its LoRAs; restart one with a larger --lora-cache-size";
  }
  for (const std::string& tag : recipe.required_tags) {
    if (!tags.contains(tag)) return nobody_has("tag", tag, tags);
  }
  return "no online worker has the model " + recipe.model +
         (recipe.required_tags.empty() ? " and all of the recipe's LoRAs"
                                       : ", all of the recipe's LoRAs and the tags it requires");
}

std::int64_t jobs_left(const core::Batch& batch) {
  const std::int64_t ended =
      std::int64_t{batch.jobs_done} + batch.jobs_failed + batch.jobs_cancelled;
  return std::max<std::int64_t>(0, std::int64_t{batch.jobs} - ended);
}

std::optional<std::int64_t> seconds_left(const store::BatchRow& row,
                                         const std::vector<store::WorkerRow>& workers) {
  const core::Batch& batch = row.batch;
  if (batch.state != core::BatchState::running || !row.job_mean) return std::nullopt;
  const auto able = std::count_if(workers.begin(), workers.end(), [&](const auto& worker) {
    return could_take(worker.worker, *batch.recipe);
  });
  if (able == 0) return std::nullopt;
  const Duration left = *row.job_mean * jobs_left(batch);
  return left.us / able / seconds(1).us;
}

bool is_all_held(const store::BatchRow& row) {
  return row.jobs_held > 0 && row.jobs_running == 0 && jobs_left(row.batch) <= row.jobs_held;
}

std::string held_words(const core::Batch& batch) {
  return "a person: of each character that is held, the " + batch.recipe->proof +
         " view is not found good yet; approve it to have the others rendered, or ask for "
         "another take of it";
}

std::string stopped_words(const std::string& stopped) {
  return "no work is given out: " + stopped +
         "; mend that, and the next job that is tried sets it going again (at the latest after "
         "eight minutes, or once any worker is restarted)";
}

std::optional<std::string> waiting_for(const store::BatchRow& row,
                                       const std::vector<store::WorkerRow>& workers,
                                       const std::string& stopped) {
  const core::Batch& batch = row.batch;
  if (batch.state != core::BatchState::running || row.jobs_running > 0 || jobs_left(batch) == 0) {
    return std::nullopt;
  }
  if (batch.paused) return "it is paused; resume it and its jobs are given out again";
  if (is_all_held(row)) return held_words(batch);
  if (!stopped.empty()) return stopped_words(stopped);
  const auto any = [&](const auto& is) {
    return std::any_of(workers.begin(), workers.end(),
                       [&](const auto& one) { return is(one.worker); });
  };
  if (!any(is_online)) return "no worker is online; start one with pirouette-worker serve";
  const Recipe& recipe = *batch.recipe;
  if (any([&](const core::Worker& worker) { return could_take(worker, recipe); })) {
    return "the workers that could take it are resting or full";
  }
  if (any([&](const core::Worker& worker) {
        return can_render(worker, recipe) && !worker.quarantine.empty();
      })) {
    return "the workers that could take it are in quarantine; see why with pirouette workers";
  }
  if (any([&](const core::Worker& worker) { return can_render(worker, recipe); })) {
    return "the workers that have its model and LoRAs take no work; see the coordinator's log";
  }
  return what_is_missing(recipe, workers);
}

}  // namespace pirouette::http
