#include "coordinator/delivery/delivery.h"

#include <nlohmann/json.hpp>
#include <set>

#include "common/job/names.h"
#include "common/job/recipe.h"
#include "common/result.h"

namespace pirouette::delivery {
namespace {

using Json = nlohmann::ordered_json;

Json time_json(const std::optional<Instant>& instant) {
  return instant ? Json(to_rfc3339(*instant)) : Json();
}

Json parsed_or_null(const std::string& text) {
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_discarded() ? Json() : parsed;
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The stem of each sheet's files. Where two characters come to the same one, the later gets its
// sheet's number behind it.
std::vector<std::string> file_stems(const std::vector<Sheet>& sheets) {
  std::vector<std::string> stems;
  std::set<std::string> taken;
  for (const Sheet& row : sheets) {
    std::string stem = safe_name(row.sheet.character);
    while (!taken.insert(lower_case(stem)).second) {
      stem += "_" + std::to_string(row.sheet.index + 1);
    }
    stems.push_back(std::move(stem));
  }
  return stems;
}

std::string view_path(const std::string& stem, const View& view, std::uint32_t take) {
  return "views/" + stem + "_" + safe_name(view.id) + "_" + version_tag(take) + ".png";
}

// How one picture was made; of a gap, why there is none.
Json view_json(const Pose& pose, const core::Sheet& sheet, const std::string& stem,
               const Recipe& recipe) {
  const View& view = recipe.views[pose.pose.view];
  const core::Job& job = pose.chosen ? *pose.chosen : pose.latest;
  Json json{{"view", view.id},
            {"name", view.name},
            {"azimuth", view.azimuth_deg},
            {"file", nullptr},
            {"digest", nullptr},
            {"take", job.take},
            {"seed", job.seed},
            {"prompt", make_prompt(recipe, view, sheet.notes, job.correction)},
            {"correction", job.correction},
            {"review", core::name(pose.pose.review)},
            {"state", core::name(job.state)},
            {"attempts", job.attempts},
            {"queued_at", time_json(job.queued_at)},
            {"started_at", time_json(job.leased_at)},
            {"finished_at", time_json(job.ended_at)}};
  if (pose.chosen) {
    json["file"] = view_path(stem, view, job.take);
    json["digest"] = to_hex(job.result);
    json["worker"] = pose.worker;
    json["metrics"] = parsed_or_null(job.metrics);
  } else {
    json["error"] = job.error;
  }
  return json;
}

Json sheet_json(const Sheet& row, const std::string& stem, const Recipe& recipe) {
  const core::Sheet& sheet = row.sheet;
  const std::string tag = version_tag(sheet.version);
  Json views = Json::array(), gaps = Json::array();
  for (const Pose& pose : row.poses) {
    PIROUETTE_CHECK(pose.pose.view < recipe.views.size());
    views.push_back(view_json(pose, sheet, stem, recipe));
    if (!pose.chosen) gaps.push_back(recipe.views[pose.pose.view].id);
  }
  Json json{{"character", sheet.character},
            {"state", core::name(sheet.state)},
            {"version", sheet.version},
            {"notes", sheet.notes},
            {"reference", to_hex(sheet.reference)},
            {"file", nullptr},
            {"thumbnail", nullptr}};
  if (sheet.picture) json["file"] = "sheets/" + stem + "_" + tag + ".png";
  if (sheet.thumbnail) json["thumbnail"] = "thumbnails/" + stem + "_" + tag + ".png";
  json["checks"] = parsed_or_null(sheet.checks);
  json["gaps"] = std::move(gaps);
  json["views"] = std::move(views);
  return json;
}

Json batch_json(const core::Batch& batch) {
  return {{"id", batch.id.value},
          {"name", batch.name},
          {"owner", batch.owner},
          {"state", core::name(batch.state)},
          {"submitted_at", to_rfc3339(batch.submitted_at)},
          {"finished_at", time_json(batch.finished_at)},
          {"jobs", batch.jobs},
          {"jobs_done", batch.jobs_done},
          {"jobs_failed", batch.jobs_failed}};
}

}  // namespace

std::string_view name(FileKind kind) {
  switch (kind) {
    case FileKind::sheet:
      return "sheet";
    case FileKind::view:
      return "view";
    case FileKind::thumbnail:
      return "thumbnail";
  }
  return "";
}

std::string version_tag(std::uint32_t number) {
  const std::string digits = std::to_string(number);
  return "v" + std::string(digits.size() < 3 ? 3 - digits.size() : 0, '0') + digits;
}

Delivery make_delivery(const core::Batch& batch, const std::vector<Sheet>& sheets,
                       const std::function<std::uint64_t(const Digest&)>& bytes_of) {
  PIROUETTE_CHECK(batch.recipe != nullptr);
  Delivery delivery{batch.id, batch.name, batch.state == core::BatchState::finished, {}, {}};
  const auto add = [&](std::string path, const Digest& digest, FileKind kind) {
    if (digest) delivery.files.push_back({std::move(path), digest, bytes_of(digest), kind});
  };
  Json manifest{{"format", 1}, {"batch", batch_json(batch)}, {"sheets", Json::array()}};
  manifest["recipe"] = Json::parse(pirouette::to_json(*batch.recipe));
  const std::vector<std::string> stems = file_stems(sheets);
  for (std::size_t i = 0; i < sheets.size(); ++i) {
    const Sheet& row = sheets[i];
    const core::Sheet& sheet = row.sheet;
    const std::string& stem = stems[i];
    const std::string tag = version_tag(sheet.version);
    add("sheets/" + stem + "_" + tag + ".png", sheet.picture, FileKind::sheet);
    add("thumbnails/" + stem + "_" + tag + ".png", sheet.thumbnail, FileKind::thumbnail);
    delivery.complete = delivery.complete && sheet.picture;
    for (const Pose& pose : row.poses) {
      delivery.complete = delivery.complete && pose.chosen;
      if (!pose.chosen) continue;
      add(view_path(stem, batch.recipe->views[pose.pose.view], pose.chosen->take),
          pose.chosen->result, FileKind::view);
    }
    manifest["sheets"].push_back(sheet_json(row, stem, *batch.recipe));
  }
  delivery.manifest = dump(manifest);
  return delivery;
}

std::string to_json(const Delivery& delivery) {
  Json files = Json::array();
  for (const File& file : delivery.files) {
    files.push_back({{"path", file.path},
                     {"digest", to_hex(file.digest)},
                     {"bytes", file.bytes},
                     {"kind", name(file.kind)}});
  }
  return dump({{"batch", delivery.batch.value},
               {"name", delivery.name},
               {"complete", delivery.complete},
               {"files", std::move(files)},
               {"manifest", Json::parse(delivery.manifest)}});
}

}  // namespace pirouette::delivery
