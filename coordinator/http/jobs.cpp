// /api/v1/jobs: every rendering, by what is wanted of it; and one with its leases.

#include <nlohmann/json.hpp>

#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/site.h"
#include "coordinator/store/read_model.h"

namespace pirouette::http {
namespace {

Result<Answer> list(const Site& site, const Request& request) {
  const Paging paging = TRY(parse_paging(request));
  store::JobFilter filter;
  filter.state = TRY(parse_query_state(request, core::JobState::cancelled));
  filter.batch = TRY(parse_query_id<BatchId>(request, "batch"));
  filter.sheet = TRY(parse_query_id<SheetId>(request, "sheet"));
  filter.worker = TRY(parse_query_id<WorkerId>(request, "worker"));
  const auto page = TRY(site.read().jobs(filter, JobId{paging.after}, paging.limit));
  Json items = Json::array();
  for (const store::JobRow& row : page.jobs) items.push_back(job_json(row, site.pulse));
  std::optional<std::uint64_t> next;
  if (page.next) next = page.next->value;
  return answer_list(std::move(items), next);
}

Result<Answer> show(const Site& site, const Request& request) {
  const auto id = TRY(parse_id<JobId>(request.parameters[0], "job"));
  return answer_json(job_json(TRY(site.read().job(id)), site.pulse));
}

}  // namespace

void add_jobs(Router& router, Site& site) {
  router.add("GET", "/api/v1/jobs",
             with_query({"limit", "after", "state", "batch", "sheet", "worker"},
                        [&](const Request& r) { return list(site, r); }));
  router.add("GET", "/api/v1/jobs/{id}",
             with_query({}, [&](const Request& r) { return show(site, r); }));
}

}  // namespace pirouette::http
