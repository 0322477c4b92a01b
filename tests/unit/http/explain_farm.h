#pragma once
// A farm of few words for the tests of explain.h: one batch with two views, and workers that could
// render it.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/job/recipe.h"
#include "coordinator/http/explain.h"

namespace pirouette::http {

// 2026-02-02T02:40:00Z.
inline constexpr Instant kNow{1'770'000'000'000'000};

inline std::shared_ptr<const Recipe> a_recipe() {
  Recipe recipe;
  recipe.model = "kontext";
  recipe.loras = {{"ink", 1.0, ""}};
  recipe.views = {standard_views()[0], standard_views()[4]};
  return std::make_shared<const Recipe>(std::move(recipe));
}

inline core::Batch a_batch(core::BatchState state = core::BatchState::running) {
  core::Batch batch;
  batch.id = {2};
  batch.recipe = a_recipe();
  batch.state = state;
  batch.sheets = batch.sheets_open = 1;
  batch.jobs = 2;
  return batch;
}

inline store::WorkerRow a_worker(std::uint64_t id,
                                 core::WorkerState state = core::WorkerState::online) {
  store::WorkerRow row;
  row.worker.id = {id};
  row.worker.name = "gpu-" + std::to_string(id);
  row.worker.state = state;
  row.worker.capacity = 1;
  row.worker.models = {"kontext"};
  row.worker.loras = {"ink"};
  row.worker.heard_at = kNow - seconds(1);
  return row;
}

inline store::WorkerRow a_busy_worker(std::uint64_t id) {
  store::WorkerRow row = a_worker(id);
  store::LeasedRow leased;
  leased.job.id = {7};
  leased.character = "witch";
  leased.view_id = "back";
  row.leases.push_back(leased);
  return row;
}

inline core::LedgerRow a_word(std::uint64_t worker, const std::string& detail) {
  core::LedgerRow row;
  row.at = kNow - seconds(10);
  row.worker = {worker};
  row.detail = detail;
  return row;
}

inline FarmView a_farm(std::vector<store::WorkerRow> workers,
                       std::vector<core::LedgerRow> words = {}) {
  return {std::move(workers), std::move(words), {}, "", kNow};
}

inline store::JobStory a_job(core::JobState state) {
  store::JobStory story;
  core::Job& job = story.row.job;
  job.id = {12};
  job.pose = {12};
  job.sheet = {6};
  job.batch = {2};
  job.state = state;
  story.row.character = "knight";
  story.row.recipe = a_recipe();
  return story;
}

inline core::Progress at_step_3() {
  core::Progress progress;
  progress.step = 3;
  progress.of = 24;
  return progress;
}

inline std::vector<std::string> kinds(const Explanation& it) {
  std::vector<std::string> all;
  for (const Fact& fact : it.facts) all.push_back(fact.kind);
  return all;
}
using Kinds = std::vector<std::string>;

}  // namespace pirouette::http
