#include "coordinator/delivery/manifest.h"

#include "common/job/names.h"
#include "common/result.h"
#include "common/version.h"
#include "coordinator/delivery/metrics.h"

namespace pirouette::delivery {
namespace {

Json time_json(const std::optional<Instant>& instant) {
  return instant ? Json(to_rfc3339(*instant)) : Json();
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json parsed_or(const std::string& text, Json otherwise) {
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.type() == otherwise.type() ? parsed : otherwise;
}

// {"file", "sha256", "bytes"}; null without a picture.
Json file_json(const std::string& path, const Digest& digest, const BytesOf& bytes_of) {
  if (!digest) return nullptr;
  return {{"file", path}, {"sha256", to_hex(digest)}, {"bytes", bytes_of(digest)}};
}

// The checks of one view: {"flag", "detail"}.
Json checks_of(const Json& checks, const std::string& view) {
  Json own = Json::array();
  for (const Json& check : checks) {
    if (!check.is_object() || check.value("view", "") != view) continue;
    own.push_back({{"flag", check.value("flag", "")}, {"detail", check.value("detail", "")}});
  }
  return own;
}

Json model_json(const Recipe& recipe, const Metrics& metrics) {
  return {{"name", recipe.model}, {"sha256", text_or_null(metrics.weights.model)}};
}

Json loras_json(const Recipe& recipe, const Metrics& metrics) {
  Json loras = Json::array();
  for (std::size_t i = 0; i < recipe.loras.size(); ++i) {
    const RecipeLora& lora = recipe.loras[i];
    const WeightDigests::Lora& digests = metrics.weights.loras[i];
    loras.push_back({{"name", lora.name},
                     {"scale", lora.scale},
                     {"sha256", text_or_null(digests.sha256)},
                     {"tensors_sha256", text_or_null(digests.tensors_sha256)}});
  }
  return loras;
}

// What is one take's own: seed, times, who made it and on what.
Json take_json(const Take& take, const View& view, const core::Sheet& sheet, const Recipe& recipe) {
  const core::Job& job = take.job;
  const Metrics metrics = read_metrics(job.metrics, recipe);
  Json json{{"take", job.take},
            {"state", core::name(job.state)},
            {"seed", job.seed},
            {"prompt", make_prompt(recipe, view, sheet.notes, job.correction)},
            {"correction", job.correction},
            {"sha256", job.result ? Json(to_hex(job.result)) : Json()},
            {"model", model_json(recipe, metrics)},
            {"loras", loras_json(recipe, metrics)},
            {"worker", text_or_null(take.worker)}};
  json["device"] = {{"kind", text_or_null(metrics.device_kind)},
                    {"name", text_or_null(metrics.device_name)},
                    {"dtype", text_or_null(metrics.dtype)},
                    {"engine", text_or_null(metrics.build)}};
  json["attempts"] = job.attempts;
  json["queued_at"] = time_json(job.queued_at);
  json["started_at"] = time_json(job.leased_at);
  json["finished_at"] = time_json(job.ended_at);
  json["render_seconds"] = metrics.render_seconds ? Json(*metrics.render_seconds) : Json();
  json["error"] = text_or_null(job.error);
  json["metrics"] = parsed_or(job.metrics, Json::object());
  return json;
}

Take shown_take(const Pose& pose) {
  const core::Job& job = pose.chosen ? *pose.chosen : pose.latest;
  for (const Take& take : pose.takes) {
    if (take.job.id == job.id) return take;
  }
  return {job, ""};
}

std::string gap_reason(const core::Job& job) {
  if (!job.error.empty()) return job.error;
  return job.state == core::JobState::cancelled ? "it was cancelled" : "it is not rendered yet";
}

Json view_json(const Pose& pose, const core::Sheet& sheet, const SheetPaths& paths,
               const Recipe& recipe, const Json& checks, const BytesOf& bytes_of) {
  const View& view = recipe.views[pose.pose.view];
  Json json{{"view", view.id}, {"name", view.name}, {"azimuth", view.azimuth_deg},
            {"file", nullptr}, {"sha256", nullptr}, {"bytes", nullptr}};
  if (pose.chosen) {
    json.update(file_json(paths.view(view, pose.chosen->take), pose.chosen->result, bytes_of));
  }
  const Take shown = shown_take(pose);
  Json how = take_json(shown, view, sheet, recipe);
  how.erase("sha256");  // stands with the file
  json.update(how);
  json["negative_prompt"] = recipe.negative_prompt;
  json["width"] = recipe.width;
  json["height"] = recipe.height;
  json["steps"] = recipe.steps;
  json["guidance"] = recipe.guidance;
  json["true_cfg"] = recipe.true_cfg;
  json["reference"] = to_hex(sheet.reference);
  json["review"] = core::name(pose.pose.review);
  json["checks"] = checks_of(checks, view.id);
  json["takes"] = Json::array();  // the others
  for (const Take& take : pose.takes) {
    if (take.job.id != shown.job.id) {
      json["takes"].push_back(take_json(take, view, sheet, recipe));
    }
  }
  return json;
}

}  // namespace

std::string SheetPaths::sheet(const core::Sheet& sheet) const {
  return "sheets/" + stem + "_" + version_tag(sheet.version) + ".png";
}

std::string SheetPaths::thumbnail(const core::Sheet& sheet) const {
  return "thumbnails/" + stem + "_" + version_tag(sheet.version) + ".png";
}

std::string SheetPaths::view(const View& view, std::uint32_t take) const {
  return "views/" + stem + "_" + safe_name(view.id) + "_" + version_tag(take) + ".png";
}

Json manifest_json(const core::Batch& batch) {
  Json json{{"format", kManifestFormat},
            {"generator", tool_name()},
            {"digital_source_type", "trainedAlgorithmicMedia"}};
  json["batch"] = {{"id", batch.id.value},
                   {"name", batch.name},
                   {"owner", batch.owner},
                   {"state", core::name(batch.state)},
                   {"submitted_at", to_rfc3339(batch.submitted_at)},
                   {"finished_at", time_json(batch.finished_at)},
                   {"jobs", batch.jobs},
                   {"jobs_done", batch.jobs_done},
                   {"jobs_failed", batch.jobs_failed}};
  json["recipe"] = Json::parse(pirouette::to_json(*batch.recipe));
  json["sheets"] = Json::array();
  return json;
}

Json sheet_json(const Sheet& row, const SheetPaths& paths, const Recipe& recipe,
                const BytesOf& bytes_of) {
  const core::Sheet& sheet = row.sheet;
  const Json checks = parsed_or(sheet.checks, Json::array());
  Json views = Json::array(), gaps = Json::array();
  for (const Pose& pose : row.poses) {
    PIROUETTE_CHECK(pose.pose.view < recipe.views.size());
    views.push_back(view_json(pose, sheet, paths, recipe, checks, bytes_of));
    if (pose.chosen) continue;
    gaps.push_back(
        {{"view", recipe.views[pose.pose.view].id}, {"reason", gap_reason(pose.latest)}});
  }
  Json json{{"character", sheet.character},
            {"state", core::name(sheet.state)},
            {"version", sheet.version},
            {"notes", sheet.notes},
            {"reference", to_hex(sheet.reference)},
            {"original", to_hex(sheet.original ? sheet.original : sheet.reference)}};
  json["sheet"] = file_json(paths.sheet(sheet), sheet.picture, bytes_of);
  json["thumbnail"] = file_json(paths.thumbnail(sheet), sheet.thumbnail, bytes_of);
  json["checks"] = checks;
  json["gaps"] = std::move(gaps);
  json["views"] = std::move(views);
  return json;
}

}  // namespace pirouette::delivery
