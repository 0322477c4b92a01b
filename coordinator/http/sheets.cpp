// /api/v1/sheets and a batch's sheets.

#include <nlohmann/json.hpp>

#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

Result<Answer> list(const Site& site, const Request& request) {
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
  router.add("GET", "/api/v1/batches/{id}/sheets", [&](const Request& r) { return list(site, r); });
  router.add("GET", "/api/v1/sheets/{id}", [&](const Request& r) { return show(site, r); });
}

}  // namespace pirouette::http
