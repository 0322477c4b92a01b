// /api/v1/poses, a sheet's poses, a pose's takes; and the sets of views that a recipe may name.

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/job/recipe.h"
#include "coordinator/http/json.h"
#include "coordinator/http/parameters.h"
#include "coordinator/http/site.h"

namespace pirouette::http {
namespace {

// What is few enough to be read at once, in pages like every list. id_of: what after= means.
template <typename Row, typename IdOf, typename ToJson>
Answer answer_page(const std::vector<Row>& rows, const Paging& paging, IdOf id_of, ToJson to_json) {
  Json items = Json::array();
  std::optional<std::uint64_t> last, next;
  for (const Row& row : rows) {
    if (id_of(row) <= paging.after) continue;
    if (items.size() == paging.limit) {
      next = last;
      break;
    }
    items.push_back(to_json(row));
    last = id_of(row);
  }
  return answer_list(std::move(items), next);
}

Result<Answer> list_of_sheet(const Site& site, const Request& request) {
  const auto id = TRY(parse_id<SheetId>(request.parameters[0], "sheet"));
  const Paging paging = TRY(parse_paging(request));
  const auto page = TRY(site.read().sheet(id));
  const store::SheetRow& sheet = page.sheets.front();
  return answer_page(
      sheet.poses, paging, [](const store::PoseRow& row) { return row.pose.id.value; },
      [&](const store::PoseRow& row) {
        return pose_json(row, sheet.sheet, *page.batch.recipe, site.pulse, Detail::alone);
      });
}

Result<Answer> show(const Site& site, const Request& request) {
  const auto id = TRY(parse_id<PoseId>(request.parameters[0], "pose"));
  const auto page = TRY(site.read().sheet_of(id));
  const store::SheetRow& sheet = page.sheets.front();
  const auto row =
      std::ranges::find(sheet.poses, id, [](const store::PoseRow& one) { return one.pose.id; });
  PIROUETTE_CHECK(row != sheet.poses.end());
  Json json = pose_json(*row, sheet.sheet, *page.batch.recipe, site.pulse, Detail::alone);
  json["sheet"] = sheet.sheet.id.value;
  json["batch"] = sheet.sheet.batch.value;
  json["character"] = sheet.sheet.character;
  return answer_json(json);
}

Result<Answer> list_takes(const Site& site, const Request& request) {
  const auto id = TRY(parse_id<PoseId>(request.parameters[0], "pose"));
  const Paging paging = TRY(parse_paging(request));
  return answer_page(
      TRY(site.read().takes(id)), paging, [](const store::JobRow& row) { return row.job.id.value; },
      [&](const store::JobRow& row) { return job_json(row, site.pulse); });
}

Result<Answer> list_pose_sets() {
  Json items = Json::array();
  for (const std::string& name : pose_set_names()) {
    Json views = Json::array();
    const PoseSet set = TRY(named_pose_set(name));
    for (const View& view : set) {
      views.push_back({{"id", view.id}, {"name", view.name}, {"azimuth", view.azimuth_deg}});
    }
    items.push_back({{"name", name}, {"views", std::move(views)}});
  }
  return answer_list(std::move(items), std::nullopt);
}

}  // namespace

void add_poses(Router& router, Site& site) {
  router.add(
      "GET", "/api/v1/sheets/{id}/poses",
      with_query({"limit", "after"}, [&](const Request& r) { return list_of_sheet(site, r); }));
  router.add("GET", "/api/v1/poses/{id}",
             with_query({}, [&](const Request& r) { return show(site, r); }));
  router.add("GET", "/api/v1/poses/{id}/takes",
             with_query({"limit", "after"}, [&](const Request& r) { return list_takes(site, r); }));
  router.add("GET", "/api/v1/pose-sets",
             with_query({}, [](const Request&) { return list_pose_sets(); }));
}

}  // namespace pirouette::http
