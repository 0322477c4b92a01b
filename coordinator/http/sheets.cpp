// /api/v1/sheets, over all batches or of one.

#include <nlohmann/json.hpp>

#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

Result<Answer> list_of_batch(const Site& site, const Request& request) {
  const auto batch = TRY(parse_id<BatchId>(request.parameters[0], "batch"));
  const Paging paging = TRY(parse_paging(request));
  const auto page = TRY(site.read().sheets(batch, SheetId{paging.after}, paging.limit));
  Json items = Json::array();
  for (const store::SheetRow& row : page.sheets) {
    items.push_back(sheet_json(row, *page.batch.recipe, site.pulse, Detail::listed));
  }
  std::optional<std::uint64_t> next;
  if (page.sheets.size() == paging.limit) next = page.sheets.back().sheet.id.value;
  return answer_list(std::move(items), next);
}

Result<Answer> list(const Site& site, const Request& request) {
  const Paging paging = TRY(parse_paging(request));
  store::SheetFilter filter;
  filter.state = TRY(parse_query_state(request, core::SheetState::cancelled));
  filter.batch = TRY(parse_query_id<BatchId>(request, "batch"));
  const auto character = request.query.find("character");
  if (character != request.query.end()) filter.character = character->second;
  const auto page = TRY(site.read().sheets(filter, SheetId{paging.after}, paging.limit));
  Json items = Json::array();
  for (const store::ListedSheet& sheet : page.sheets) {
    items.push_back(sheet_json(sheet.row, *sheet.recipe, site.pulse, Detail::listed));
  }
  std::optional<std::uint64_t> next;
  if (page.next) next = page.next->value;
  return answer_list(std::move(items), next);
}

Result<Answer> show(const Site& site, const Request& request) {
  const auto id = TRY(parse_id<SheetId>(request.parameters[0], "sheet"));
  const auto page = TRY(site.read().sheet(id));
  PIROUETTE_CHECK(page.sheets.size() == 1);
  Json json = sheet_json(page.sheets.front(), *page.batch.recipe, site.pulse, Detail::alone);
  json["versions"] = Json::array();
  for (const store::SheetVersion& version : TRY(site.read().versions(id))) {
    json["versions"].push_back(version_json(version));
  }
  return answer_json(json);
}

}  // namespace

void add_sheets(Router& router, Site& site) {
  router.add(
      "GET", "/api/v1/batches/{id}/sheets",
      with_query({"limit", "after"}, [&](const Request& r) { return list_of_batch(site, r); }));
  router.add("GET", "/api/v1/sheets",
             with_query({"limit", "after", "state", "batch", "character"},
                        [&](const Request& r) { return list(site, r); }));
  router.add("GET", "/api/v1/sheets/{id}",
             with_query({}, [&](const Request& r) { return show(site, r); }));
}

}  // namespace pirouette::http
