// A job and its leases as API v1 shows them.

#include <nlohmann/json.hpp>

#include "common/job/recipe.h"
#include "coordinator/http/json.h"

namespace pirouette::http {
namespace {

// A done job names who made its picture and since when: that is the lease it came by.
bool made_it(const core::Lease& lease, const core::Job& job) {
  return job.state == core::JobState::done && lease.worker == job.worker &&
         lease.leased_at == job.leased_at;
}

// superseded: the job went on without it.
std::string outcome(const store::Attempt& attempt, const core::Job& job) {
  if (job.state == core::JobState::leased && job.lease == attempt.lease.id) return "running";
  if (made_it(attempt.lease, job)) return "done";
  if (!attempt.ended) return "superseded";
  return attempt.ended->kind.substr(attempt.ended->kind.find('.') + 1);
}

Json lease_json(const store::Attempt& attempt, const core::Job& job) {
  const std::string how = outcome(attempt, job);
  std::optional<Instant> ended_at;
  std::string detail;
  if (how == "done") {
    ended_at = job.ended_at;
  } else if (how != "running" && attempt.ended) {
    ended_at = attempt.ended->at;
    detail = attempt.ended->detail;
  }
  return {{"attempt", attempt.lease.attempt},
          // More digits than a double holds.
          {"lease", std::to_string(attempt.lease.id.value)},
          {"worker", attempt.worker},
          {"worker_id", attempt.lease.worker.value},
          {"leased_at", time_json(attempt.lease.leased_at)},
          {"ended_at", time_json(ended_at)},
          {"outcome", how},
          {"detail", detail}};
}

}  // namespace

Json job_json(const store::JobRow& row, const Pulse& pulse) {
  const core::Job& job = row.job;
  const bool leased = job.state == core::JobState::leased;
  return {{"id", job.id.value},
          {"batch", job.batch.value},
          {"sheet", job.sheet.value},
          {"pose", job.pose.value},
          {"character", row.character},
          {"view_id", row.recipe->views.at(row.view).id},
          {"take", job.take},
          {"state", name(job.state)},
          {"seed", job.seed},
          {"correction", job.correction},
          {"attempts", job.attempts},
          {"failures", job.failures},
          {"losses", job.losses},
          {"worker", text_or_null(row.worker)},
          {"worker_id", job.worker ? Json(job.worker.value) : Json()},
          {"progress", leased ? step_json(pulse.find_progress(job.worker, job.id)) : Json()},
          {"queued_at", time_json(job.queued_at)},
          {"leased_at", time_json(job.leased_at)},
          {"ended_at", time_json(job.ended_at)},
          {"picture", digest_json(job.result)},
          {"error", text_or_null(job.error)},
          {"metrics", parsed_or_null(job.metrics)}};
}

Json job_json(const store::JobStory& story, const Pulse& pulse) {
  const store::JobRow& row = story.row;
  Json json = job_json(row, pulse);
  json["prompt"] =
      make_prompt(*row.recipe, row.recipe->views.at(row.view), row.notes, row.job.correction);
  json["leases"] = Json::array();
  for (const store::Attempt& attempt : story.attempts) {
    json["leases"].push_back(lease_json(attempt, row.job));
  }
  return json;
}

}  // namespace pirouette::http
