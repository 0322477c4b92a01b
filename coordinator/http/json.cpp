#include "coordinator/http/json.h"

#include <nlohmann/json.hpp>

#include "common/hash.h"
#include "common/job/recipe.h"
#include "coordinator/http/takers.h"

namespace pirouette::http {
namespace {

Json time_json(Instant instant) { return to_rfc3339(instant); }

template <typename Tag>
Json id_json(Id<Tag> id) {
  return id ? Json(id.value) : Json();
}

}  // namespace

Json time_json(const std::optional<Instant>& instant) {
  return instant ? Json(to_rfc3339(*instant)) : Json();
}

Json digest_json(const Digest& digest) { return digest ? Json(to_hex(digest)) : Json(); }

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json parsed_or_null(const std::string& text) {
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_discarded() ? Json() : parsed;
}

Json step_json(const std::optional<core::Progress>& progress) {
  if (!progress) return {};
  return {{"step", progress->step}, {"of", progress->of}};
}

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Answer answer_json(const Json& json, int status) {
  Answer answer;
  answer.status = status;
  answer.body = dump(json);
  return answer;
}

Answer answer_list(Json items, std::optional<std::uint64_t> next) {
  Json list{{"items", std::move(items)}, {"next", nullptr}};
  if (next) list["next"] = *next;
  return answer_json(list);
}

namespace {

Json late_json(const core::Batch& batch) {
  if (batch.state != core::BatchState::running || !batch.ready_p90 || !batch.deadline) return {};
  if (*batch.ready_p90 <= *batch.deadline) return {};
  return (*batch.ready_p90 - *batch.deadline).us / seconds(1).us;
}

}  // namespace

Json batch_json(const store::BatchRow& row, const std::vector<store::WorkerRow>& workers,
                const std::string& stopped) {
  const core::Batch& batch = row.batch;
  const auto left = seconds_left(row, workers);
  return {{"id", batch.id.value},
          {"name", batch.name},
          {"owner", batch.owner},
          {"priority", batch.priority},
          {"deadline", time_json(batch.deadline)},
          {"state", name(batch.state)},
          {"paused", batch.paused},
          {"idle_only", batch.idle_only},
          {"submitted_at", time_json(batch.submitted_at)},
          {"finished_at", time_json(batch.finished_at)},
          {"sheets", batch.sheets},
          {"sheets_open", batch.sheets_open},
          {"jobs", batch.jobs},
          {"jobs_done", batch.jobs_done},
          {"jobs_failed", batch.jobs_failed},
          {"jobs_cancelled", batch.jobs_cancelled},
          {"jobs_running", row.jobs_running},
          {"seconds_rendered", batch.rendered.us / seconds(1).us},
          {"ready_p50", time_json(batch.ready_p50)},
          {"ready_p90", time_json(batch.ready_p90)},
          {"late_by_seconds", late_json(batch)},
          {"at_risk", batch.at_risk},
          {"seconds_left", left ? Json(*left) : Json()},
          {"waiting_for", text_or_null(waiting_for(row, workers, stopped).value_or(""))}};
}

Json recipe_json(const Recipe& recipe) { return Json::parse(to_json(recipe)); }

Json pose_json(const store::PoseRow& row, const core::Sheet& sheet, const Recipe& recipe,
               const Pulse& pulse, Detail detail) {
  PIROUETTE_CHECK(row.pose.view < recipe.views.size());
  const View& view = recipe.views[row.pose.view];
  const core::Job& latest = row.latest;
  const bool leased = latest.state == core::JobState::leased;
  Json json{
      {"id", row.pose.id.value},
      {"view", row.pose.view},
      {"view_id", view.id},
      {"view_name", view.name},
      {"azimuth", view.azimuth_deg},
      {"review", name(row.pose.review)},
      {"review_note", text_or_null(row.pose.review_note)},
      {"take", latest.take},
      {"job", latest.id.value},
      {"chosen_job", id_json(row.pose.chosen)},
      {"state", name(latest.state)},
      {"progress", leased ? step_json(pulse.find_progress(latest.worker, latest.id)) : Json()},
      {"worker", text_or_null(row.latest_worker)},
      {"picture", row.chosen ? digest_json(row.chosen->result) : Json()},
      {"error", text_or_null(latest.error)},
      {"attempts", latest.attempts}};
  if (detail == Detail::alone) {
    const core::Job& shown = row.chosen ? *row.chosen : latest;
    json["prompt"] = make_prompt(recipe, view, sheet.notes, shown.correction);
    json["seed"] = shown.seed;
    json["metrics"] = parsed_or_null(shown.metrics);
  }
  return json;
}

Json sheet_json(const store::SheetRow& row, const Recipe& recipe, const Pulse& pulse,
                Detail detail) {
  const core::Sheet& sheet = row.sheet;
  Json poses = Json::array();
  for (const store::PoseRow& pose : row.poses) {
    poses.push_back(pose_json(pose, sheet, recipe, pulse, detail));
  }
  Json checks = parsed_or_null(sheet.checks);
  if (!checks.is_array()) checks = Json::array();
  return {{"id", sheet.id.value},
          {"batch", sheet.batch.value},
          {"index", sheet.index},
          {"character", sheet.character},
          {"notes", sheet.notes},
          {"state", name(sheet.state)},
          {"version", sheet.version},
          {"proof", name(sheet.proof)},
          {"priority", sheet.priority ? Json(*sheet.priority) : Json()},
          {"reference", digest_json(sheet.reference)},
          {"original", digest_json(sheet.original)},
          {"picture", digest_json(sheet.picture)},
          {"thumbnail", digest_json(sheet.thumbnail)},
          {"checks", std::move(checks)},
          {"poses", std::move(poses)}};
}

Json version_json(const store::SheetVersion& version) {
  return {{"version", version.version},
          {"picture", digest_json(version.picture)},
          {"thumbnail", digest_json(version.thumbnail)}};
}

Json worker_json(const store::WorkerRow& row, const Pulse& pulse) {
  const core::Worker& worker = row.worker;
  Json leases = Json::array();
  for (const store::LeasedRow& leased : row.leases) {
    const auto progress = pulse.find_progress(worker.id, leased.job.id);
    leases.push_back({{"job", leased.job.id.value},
                      {"batch", leased.job.batch.value},
                      {"sheet", leased.job.sheet.value},
                      {"character", leased.character},
                      {"view_id", leased.view_id},
                      {"step", progress ? Json(progress->step) : Json()},
                      {"of", progress ? Json(progress->of) : Json()},
                      {"leased_at", time_json(leased.job.leased_at)}});
  }
  return {{"id", worker.id.value},
          {"name", worker.name},
          {"state", name(worker.state)},
          {"device_kind", worker.device_kind},
          {"device_name", worker.device_name},
          {"memory_bytes", worker.memory_bytes},
          {"engine_build", worker.engine_build},
          {"capacity", worker.capacity},
          {"models", worker.models},
          {"loras", worker.loras},
          {"lora_cache_bytes", worker.lora_cache_bytes},
          {"tags", worker.tags},
          {"quarantine", text_or_null(worker.quarantine)},
          {"residency", parsed_or_null(worker.residency)},
          {"joined_at", time_json(worker.joined_at)},
          {"heard_at", time_json(worker.heard_at)},
          {"jobs_done", worker.jobs_done},
          {"jobs_failed", worker.jobs_failed},
          {"leases", std::move(leases)}};
}

Json lora_json(const core::Lora& lora) {
  return {{"id", lora.id.value},
          {"name", lora.name},
          {"sha256", digest_json(lora.sha256)},
          {"bytes", lora.bytes},
          {"trigger", lora.trigger},
          {"added_at", time_json(lora.added_at)},
          {"added_by", text_or_null(lora.added_by)}};
}

Json ledger_json(const core::LedgerRow& row) {
  return {
      {"id", row.id.value},          {"at", time_json(row.at)},       {"kind", row.kind},
      {"batch", id_json(row.batch)}, {"sheet", id_json(row.sheet)},   {"pose", id_json(row.pose)},
      {"job", id_json(row.job)},     {"worker", id_json(row.worker)}, {"detail", row.detail}};
}

Json progress_json(const core::Progress& progress) {
  return {{"batch", progress.batch.value},
          {"sheet", progress.sheet.value},
          {"pose", progress.pose.value},
          {"job", progress.job.value},
          {"worker", progress.worker.value},
          {"step", progress.step},
          {"of", progress.of}};
}

}  // namespace pirouette::http
