// /api/v1/workers: who renders, with what; and drain one.

#include <nlohmann/json.hpp>

#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

Result<Answer> list(const Site& site, const Request& request) {
  const Paging paging = TRY(parse_paging(request));
  const auto rows = TRY(site.read().workers(WorkerId{paging.after}, paging.limit));
  Json items = Json::array();
  for (const store::WorkerRow& row : rows) items.push_back(worker_json(row, site.pulse));
  std::optional<std::uint64_t> next;
  if (rows.size() == paging.limit) next = rows.back().worker.id.value;
  return answer_list(std::move(items), next);
}

Result<Answer> show(const Site& site, const Request& request) {
  const auto id = TRY(parse_id<WorkerId>(request.parameters[0], "worker"));
  return answer_json(worker_json(TRY(site.read().worker(id)), site.pulse));
}

Result<Answer> drain(Site& site, const Request& request) {
  const auto id = TRY(parse_id<WorkerId>(request.parameters[0], "worker"));
  auto answered = site.ask(core::WorkerDrainRequested{{}, id});
  if (auto* error = std::get_if<Error>(&answered)) return std::move(*error);
  return answer_json({{"worker", id.value}}, 202);
}

}  // namespace

void add_workers(Router& router, Site& site) {
  router.add("GET", "/api/v1/workers",
             with_query({"limit", "after"}, [&](const Request& r) { return list(site, r); }));
  router.add("GET", "/api/v1/workers/{id}",
             with_query({}, [&](const Request& r) { return show(site, r); }));
  router.add("POST", "/api/v1/workers/{id}/drain",
             [&](const Request& r) { return drain(site, r); });
}

}  // namespace pirouette::http
