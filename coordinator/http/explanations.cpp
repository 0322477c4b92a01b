// /api/v1/{jobs,sheets,workers,batches}/{id}/explain: gathers the rows that explain.h puts in
// words.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "coordinator/http/explain.h"
#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

// A worker that idles looks at so many batches: more would make no better sentence.
constexpr std::size_t kBatchesLookedAtMax = 50;

Json fact_json(const Fact& fact) {
  Json json{{"kind", fact.kind}, {"text", fact.text}};
  if (fact.batch) json["batch"] = fact.batch.value;
  if (fact.sheet) json["sheet"] = fact.sheet.value;
  if (fact.job) json["job"] = fact.job.value;
  if (fact.worker) json["worker"] = fact.worker.value;
  if (fact.count) json["count"] = *fact.count;
  if (fact.at) json["at"] = time_json(fact.at);
  return json;
}

Answer answer_explanation(std::string_view subject, std::uint64_t id, const Explanation& it) {
  Json facts = Json::array();
  for (const Fact& fact : it.facts) facts.push_back(fact_json(fact));
  return answer_json({{"subject", subject},
                      {"id", id},
                      {"state", it.state},
                      {"sentence", it.sentence},
                      {"facts", std::move(facts)}});
}

// As the core paces them (core/workers.cpp): a thousand words a second from all of them.
Duration heartbeat_of(const std::vector<store::WorkerRow>& workers, Duration least) {
  const auto online = std::ranges::count_if(workers, [](const store::WorkerRow& row) {
    return row.worker.state == core::WorkerState::online;
  });
  return std::clamp(milliseconds(online), least, std::max(least, seconds(60)));
}

Result<FarmView> look_at_farm(const Site& site) {
  FarmView farm;
  farm.workers = TRY(site.read().workers({}, kListMax));
  farm.capacity_words = TRY(site.read().capacity_words());
  farm.stopped = TRY(site.read().farm_stopped());
  farm.now = wall_clock_now();
  farm.heartbeat = heartbeat_of(farm.workers, site.config.heartbeat);
  return farm;
}

Result<Answer> job(const Site& site, const Request& request) {
  const auto id = TRY(parse_id<JobId>(request.parameters[0], "job"));
  const auto story = TRY(site.read().job(id));
  const core::Job& row = story.row.job;
  const auto batch = TRY(site.read().batch(row.batch));
  store::Ahead ahead;
  if (row.state == core::JobState::queued) ahead = TRY(site.read().ahead_of(row));
  const auto progress = site.pulse.find_progress(row.worker, id);
  return answer_explanation(
      "job", id.value, explain_job(story, batch.batch, ahead, progress, TRY(look_at_farm(site))));
}

Result<Answer> sheet(const Site& site, const Request& request) {
  const auto id = TRY(parse_id<SheetId>(request.parameters[0], "sheet"));
  const auto page = TRY(site.read().sheet(id));
  return answer_explanation(
      "sheet", id.value, explain_sheet(page.sheets.front(), page.batch, TRY(look_at_farm(site))));
}

Result<Answer> batch(const Site& site, const Request& request) {
  const auto id = TRY(parse_id<BatchId>(request.parameters[0], "batch"));
  const auto row = TRY(site.read().batch(id));
  return answer_explanation("batch", id.value, explain_batch(row, TRY(look_at_farm(site))));
}

Result<Answer> worker(const Site& site, const Request& request) {
  const auto id = TRY(parse_id<WorkerId>(request.parameters[0], "worker"));
  const auto row = TRY(site.read().worker(id));
  FarmView farm = TRY(look_at_farm(site));
  farm.running = TRY(site.read().running_batches(kBatchesLookedAtMax));
  std::optional<core::Progress> progress;
  if (!row.leases.empty()) progress = site.pulse.find_progress(id, row.leases.front().job.id);
  return answer_explanation("worker", id.value, explain_worker(row, progress, farm));
}

}  // namespace

void add_explanations(Router& router, Site& site) {
  const auto add = [&](const std::string& noun, auto explain) {
    router.add("GET", "/api/v1/" + noun + "/{id}/explain",
               with_query({}, [&site, explain](const Request& r) { return explain(site, r); }));
  };
  add("batches", batch);
  add("sheets", sheet);
  add("jobs", job);
  add("workers", worker);
}

}  // namespace pirouette::http
