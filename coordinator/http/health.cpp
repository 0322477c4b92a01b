// /api/v1/health and /metrics: how the farm is, for machines that watch it.

#include <nlohmann/json.hpp>

#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

Result<Answer> health(const Site& site) {
  const store::Counts counts = TRY(site.read().counts());
  const std::string stopped = TRY(site.read().farm_stopped());
  return answer_json({{"status", "ok"},
                      {"version", PIROUETTE_VERSION},
                      {"started_at", to_rfc3339(site.config.started_at)},
                      {"database", {{"wal_bytes", site.read().wal_bytes()}}},
                      {"queued", counts.queued},
                      {"running", counts.running},
                      {"workers_online", counts.workers_online},
                      {"stopped", stopped.empty() ? Json() : Json(stopped)}});
}

Result<Answer> metrics(const Site& site) {
  Answer answer;
  answer.type = "text/plain; version=0.0.4; charset=utf-8";
  answer.body = TRY(site.metrics.text(site.read(), site.traffic, site.config.started_at));
  return answer;
}

}  // namespace

void add_health(Router& router, Site& site) {
  router.add("GET", "/api/v1/health", with_query({}, [&](const Request&) { return health(site); }));
  router.add("GET", "/metrics", with_query({}, [&](const Request&) { return metrics(site); }));
}

}  // namespace pirouette::http
