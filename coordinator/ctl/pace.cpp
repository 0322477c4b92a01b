#include "coordinator/ctl/pace.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

// Of the newest batches, how many are looked at: each costs three requests.
constexpr const char* kBatchesLookedAt = "/batches?limit=20";

Json find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? Json() : *found;
}

// Of one rendering: a number, or what its parts took.
double seconds_of(const Json& metrics) {
  if (!metrics.is_object()) return 0;
  const Json seconds = find(metrics, "seconds");
  if (seconds.is_number()) return seconds.get<double>();
  double sum = 0;
  if (!seconds.is_object()) return 0;
  for (const auto& [part, took] : seconds.items()) {
    if (took.is_number()) sum += took.get<double>();
  }
  return sum;
}

// The mean of the first sheet's poses; 0 if none is done.
Result<double> measured_seconds(Client& client, std::uint64_t batch) {
  const Json sheets = TRY(client.get("/batches/" + std::to_string(batch) + "/sheets?limit=1"));
  const Json items = find(sheets, "items");
  if (!items.is_array() || items.empty()) return 0.0;
  const Json sheet = TRY(client.get("/sheets/" + std::to_string(number_of(items.front(), "id"))));
  double sum = 0;
  int count = 0;
  for (const Json& pose : find(sheet, "poses")) {
    const double seconds = pose.is_object() ? seconds_of(find(pose, "metrics")) : 0;
    sum += seconds;
    count += seconds > 0 ? 1 : 0;
  }
  return count == 0 ? 0.0 : sum / count;
}

bool lists(const Json& names, const std::string& name) {
  return names.is_array() && std::ranges::find(names, Json(name)) != names.end();
}

bool could_take(const Json& worker, const Recipe& recipe) {
  std::uint64_t fetched = 0;
  for (const RecipeLora& lora : recipe.loras) {
    if (!lora.sha256 && !lists(find(worker, "loras"), lora.name)) return false;
    fetched += lora.bytes;
  }
  return text_of(worker, "state") == "online" && number_of(worker, "capacity") > 0 &&
         fetched <= number_of(worker, "lora_cache_bytes") &&
         lists(find(worker, "models"), recipe.model);
}

Result<Pace> with_farm(Client& client, const Recipe& recipe, Pace pace) {
  const Json workers = TRY(client.get_all("/workers"));
  pace.workers = static_cast<std::uint64_t>(std::ranges::count_if(
      workers, [&](const Json& worker) { return could_take(worker, recipe); }));
  const Json health = TRY(client.get("/health"));
  pace.waiting = number_of(health, "queued") + number_of(health, "running");
  return pace;
}

}  // namespace

std::uint64_t passes_of(const Recipe& recipe) {
  const bool doubled = recipe.true_cfg > 1 && !recipe.negative_prompt.empty();
  return static_cast<std::uint64_t>(recipe.steps) * (doubled ? 2 : 1);
}

Result<std::optional<Pace>> measure_pace(Client& client, const Recipe& recipe) {
  const Json page = TRY(client.get(kBatchesLookedAt));
  for (const Json& batch : find(page, "items")) {
    if (!batch.is_object() || number_of(batch, "jobs_done") == 0) continue;
    const std::uint64_t id = number_of(batch, "id");
    const Json whole = TRY(client.get("/batches/" + std::to_string(id)));
    const auto other = parse_recipe(find(whole, "recipe").dump());
    if (!other.ok()) continue;
    const Recipe& done = other.value();
    if (done.model != recipe.model || done.width != recipe.width || done.height != recipe.height) {
      continue;
    }
    const double seconds = TRY(measured_seconds(client, id));
    if (seconds <= 0) continue;
    const double scale =
        static_cast<double>(passes_of(recipe)) / static_cast<double>(passes_of(done));
    return std::optional(TRY(with_farm(client, recipe, {seconds * scale, id, 0, 0})));
  }
  return std::optional<Pace>();
}

}  // namespace pirouette::ctl
