// See explain.h.

#include "coordinator/http/explain.h"

#include <algorithm>
#include <cctype>

#include "common/job/recipe.h"
#include "coordinator/http/takers.h"

namespace pirouette::http {
namespace {

// A row is written with every fifth word of a worker, and its lease ends after seven that fail to
// come: between the two it is quiet.
constexpr std::int64_t kQuietBeats = 6;

std::string number(auto id) { return std::to_string(id.value); }

std::string count_of(std::uint64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

std::string seconds_between(Instant from, Instant to) {
  return std::to_string(std::max<std::int64_t>(0, (to - from).us / 1'000'000)) + " s";
}

std::string as_sentence(std::string text) {
  text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text + ".";
}

// "job 12 (knight, front)".
std::string job_words(const store::JobRow& row) {
  return "job " + number(row.job.id) + " (" + row.character + ", " +
         row.recipe->views.at(row.view).id + ")";
}

const core::Worker* find_worker(const FarmView& farm, WorkerId id) {
  const auto row = std::ranges::find(farm.workers, id,
                                     [](const store::WorkerRow& one) { return one.worker.id; });
  return row == farm.workers.end() ? nullptr : &row->worker;
}

std::string step_words(const std::optional<core::Progress>& progress) {
  if (!progress || progress->of == 0) return "";
  return ", step " + std::to_string(progress->step) + " of " + std::to_string(progress->of);
}

Fact batch_fact(std::string kind, std::string text, const core::Batch& batch) {
  Fact fact{.kind = std::move(kind), .text = std::move(text)};
  fact.batch = batch.id;
  return fact;
}

// Said of a batch or of a job of it.
std::string paused_words(const core::Batch& batch) {
  return "batch " + number(batch.id) + " is paused; resume it to go on";
}

std::string proof_words(const core::Batch& batch) {
  return "its character's " + batch.recipe->proof +
         " view is rendered first; it goes on once that view's checks pass or a person approves it";
}

void explain_queued(Explanation& it, const store::JobRow& row, const core::Batch& batch,
                    const store::Ahead& ahead, const FarmView& farm) {
  if (batch.paused) {
    it.facts.push_back(batch_fact("batch_paused", paused_words(batch), batch));
    it.sentence = job_words(row) + " waits: " + paused_words(batch);
    return;
  }
  Explanation waiting = explain_waiting(*row.recipe, farm);
  it.sentence = job_words(row) + " waits: " + waiting.sentence;
  it.facts = std::move(waiting.facts);
  if (ahead.jobs > 0) {
    std::string text = (ahead.counted ? "" : "more than ") + count_of(ahead.jobs, "job") +
                       (ahead.jobs == 1 && ahead.counted ? " goes" : " go") + " before it";
    if (ahead.of_priority > 0) {
      text += ", " + std::to_string(ahead.of_priority) + " of them of a higher priority";
    }
    Fact fact = batch_fact("queued_behind", text, batch);
    fact.count = ahead.jobs;
    it.facts.push_back(std::move(fact));
    it.sentence += "; " + text;
  }
  if (ahead.by_share > 0) {
    const std::string text =
        count_of(ahead.by_share, "job") +
        (ahead.by_share == 1 ? " of another owner goes" : " of other owners go") +
        " before it or after it, as each owner's share of the farm is then";
    Fact fact = batch_fact("queued_by_share", text, batch);
    fact.count = ahead.by_share;
    it.facts.push_back(std::move(fact));
    it.sentence += "; " + text;
  }
  if (batch.idle_only) {
    const std::string text = "its batch takes only what nobody else can use";
    it.facts.push_back(batch_fact("idle_only", text, batch));
    it.sentence += "; " + text;
  }
  if (row.job.failures > 0) {
    Fact fact{.kind = "failed_before", .text = row.job.error};
    fact.count = row.job.failures;
    it.facts.push_back(std::move(fact));
    it.sentence += "; it failed " + count_of(row.job.failures, "time") +
                   " already, the last time: " + row.job.error;
  }
}

void explain_leased(Explanation& it, const store::JobRow& row,
                    const std::optional<core::Progress>& progress, const FarmView& farm) {
  const core::Job& job = row.job;
  it.sentence = job_words(row) + " is with " + row.worker + " since " +
                to_rfc3339(job.leased_at.value_or(Instant{})) + step_words(progress);
  if (!progress) it.sentence += ", which has not begun to render it yet";
  Fact fact{.kind = "leased", .text = row.worker + " has it", .job = job.id};
  fact.worker = job.worker;
  fact.at = job.leased_at;
  it.facts.push_back(std::move(fact));
  const core::Worker* const worker = find_worker(farm, job.worker);
  if (worker && farm.now - worker->heard_at >= farm.heartbeat * kQuietBeats) {
    const std::string text = row.worker + " was last heard " +
                             seconds_between(worker->heard_at, farm.now) +
                             " ago; when its lease ends, the job goes to another worker";
    Fact silent{.kind = "worker_silent", .text = text};
    silent.worker = job.worker;
    silent.at = worker->heard_at;
    it.facts.push_back(std::move(silent));
    it.sentence += "; " + text;
  }
}

void explain_failed(Explanation& it, const store::JobStory& story) {
  const core::Job& job = story.row.job;
  std::string by;
  if (!story.attempts.empty()) by = story.attempts.back().worker;
  it.sentence = job_words(story.row) + " failed for good after " +
                count_of(job.attempts, "attempt") + "; " +
                (by.empty() ? "the last said: " : by + " said last: ") + job.error +
                "; mend that, then ask for another take of pose " + number(job.pose) + " (reroll)";
  for (const store::Attempt& attempt : story.attempts) {
    if (!attempt.ended) continue;
    Fact fact{.kind = "attempt_ended", .text = attempt.worker + ": " + attempt.ended->detail};
    fact.job = job.id;
    fact.worker = attempt.lease.worker;
    fact.count = attempt.lease.attempt;
    fact.at = attempt.ended->at;
    it.facts.push_back(std::move(fact));
  }
}

void explain_done(Explanation& it, const store::JobRow& row) {
  const core::Job& job = row.job;
  const Instant ended = job.ended_at.value_or(Instant{});
  it.sentence = job_words(row) + " is done: " + row.worker + " made it in " +
                seconds_between(job.leased_at.value_or(ended), ended);
  if (job.attempts > 1) it.sentence += ", one of " + count_of(job.attempts, "attempt");
  Fact fact{.kind = "done", .text = row.worker + " made it", .job = job.id};
  fact.worker = job.worker;
  fact.at = job.ended_at;
  it.facts.push_back(std::move(fact));
}

// Nothing of it is in the queue: only a person's word moves it.
bool all_held(const store::SheetRow& row) {
  return std::ranges::none_of(row.poses, [](const store::PoseRow& pose) {
    return pose.latest.state == core::JobState::queued;
  });
}

}  // namespace

Explanation explain_job(const store::JobStory& story, const core::Batch& batch,
                        const store::Ahead& ahead, const std::optional<core::Progress>& progress,
                        const FarmView& farm) {
  const store::JobRow& row = story.row;
  Explanation it{std::string(name(row.job.state)), "", {}};
  switch (row.job.state) {
    case core::JobState::held:
      it.sentence = job_words(row) +
                    " is held back: " + (batch.paused ? paused_words(batch) : proof_words(batch));
      it.facts.push_back(
          batch_fact(batch.paused ? "batch_paused" : "waits_for_proof", it.sentence, batch));
      break;
    case core::JobState::queued:
      explain_queued(it, row, batch, ahead, farm);
      break;
    case core::JobState::leased:
      explain_leased(it, row, progress, farm);
      break;
    case core::JobState::done:
      explain_done(it, row);
      break;
    case core::JobState::failed:
      explain_failed(it, story);
      break;
    case core::JobState::cancelled:
      it.sentence = job_words(row) + " was cancelled at " +
                    to_rfc3339(row.job.ended_at.value_or(Instant{})) +
                    "; submit its character again to have it rendered";
      it.facts.push_back(batch_fact("cancelled", "people cancelled it", batch));
      break;
  }
  it.sentence = as_sentence(std::move(it.sentence));
  return it;
}

Explanation explain_sheet(const store::SheetRow& row, const core::Batch& batch,
                          const FarmView& farm) {
  const core::Sheet& sheet = row.sheet;
  Explanation it{std::string(name(sheet.state)), "", {}};
  std::uint64_t waiting = 0, running = 0, gaps = 0;
  std::string failed;
  for (const store::PoseRow& pose : row.poses) {
    using core::JobState;
    const JobState state = pose.latest.state;
    waiting += state == JobState::queued || state == JobState::held;
    running += state == JobState::leased;
    if (!pose.chosen) ++gaps;
    if (state != JobState::failed) continue;
    const std::string text =
        batch.recipe->views.at(pose.pose.view).id + " failed: " + pose.latest.error;
    failed += (failed.empty() ? "" : "; ") + text;
    Fact fact{.kind = "view_failed", .text = text};
    fact.sheet = sheet.id;
    fact.job = pose.latest.id;
    it.facts.push_back(std::move(fact));
  }
  it.sentence = "sheet " + number(sheet.id) + " (" + sheet.character + ") ";
  const std::string version = "version " + std::to_string(sheet.version);
  switch (sheet.state) {
    case core::SheetState::rendering:
      if (waiting + running == 0) {
        it.sentence +=
            "has all its views and is being put together; if that goes on for long, see "
            "the coordinator's log";
        it.facts.push_back({.kind = "assembling", .text = "it is being put together"});
      } else if (running > 0) {
        it.sentence += "is being rendered: " + count_of(running, "view") + " just now, " +
                       std::to_string(waiting) + " to come";
      } else if (batch.paused) {
        it.sentence += "waits: " + paused_words(batch);
        it.facts.push_back(batch_fact("batch_paused", paused_words(batch), batch));
      } else if (sheet.proof == core::Proof::waiting && all_held(row)) {
        it.sentence += "waits for a person: its " + batch.recipe->proof +
                       " view is not found good yet; approve it to have the others rendered, "
                       "or ask for another take of it";
        it.facts.push_back(batch_fact("waits_for_proof", proof_words(batch), batch));
      } else {
        Explanation why = explain_waiting(*batch.recipe, farm);
        it.sentence += "waits for " + count_of(waiting, "view") + ": " + why.sentence;
        for (Fact& fact : why.facts) it.facts.push_back(std::move(fact));
      }
      break;
    case core::SheetState::ready:
      it.sentence += "is ready as " + version + "; review it";
      break;
    case core::SheetState::incomplete:
      it.sentence += gaps > 0
                         ? "has " + count_of(gaps, "gap") + (failed.empty() ? "" : ": " + failed)
                         : "could not be put together";
      it.sentence += gaps > 0 ? "; mend that, then ask for another take of each (reroll)"
                              : "; its checks say why";
      break;
    case core::SheetState::approved:
      it.sentence += "is approved as " + version + "; nothing is left to do";
      break;
    case core::SheetState::cancelled:
      it.sentence += "was cancelled; submit its character again to have it rendered";
      break;
  }
  it.sentence = as_sentence(std::move(it.sentence));
  return it;
}

Explanation explain_batch(const store::BatchRow& row, const FarmView& farm) {
  const core::Batch& batch = row.batch;
  Explanation it{std::string(name(batch.state)), "batch " + number(batch.id) + " ", {}};
  const std::int64_t left = jobs_left(batch);
  if (batch.state == core::BatchState::cancelled) {
    it.sentence += "was cancelled with " + std::to_string(batch.jobs_done) + " of " +
                   count_of(batch.jobs, "job") + " done";
  } else if (batch.state == core::BatchState::finished) {
    it.sentence += "is finished: " + std::to_string(batch.jobs_done) + " of " +
                   count_of(batch.jobs, "job") + " done";
    if (batch.jobs_failed > 0)
      it.sentence += "; ask for another take of those that failed (reroll)";
  } else if (batch.paused) {
    it.sentence = paused_words(batch);
    it.facts.push_back(batch_fact("batch_paused", it.sentence, batch));
  } else if (row.jobs_running > 0) {
    it.sentence += "is being rendered: " + count_of(row.jobs_running, "job") + " just now, " +
                   std::to_string(batch.jobs - left) + " of " + std::to_string(batch.jobs) +
                   " are over";
  } else if (left == 0) {
    it.sentence += "is rendered; " + count_of(batch.sheets_open, "sheet") +
                   (batch.sheets_open == 1 ? " is" : " are") + " being put together";
  } else if (is_all_held(row)) {
    it.sentence += "waits for " + held_words(batch);
    Fact fact = batch_fact("waits_for_proof", proof_words(batch), batch);
    fact.count = row.jobs_held;
    it.facts.push_back(std::move(fact));
  } else {
    Explanation why = explain_waiting(*batch.recipe, farm);
    it.sentence += "waits: " + why.sentence;
    it.facts = std::move(why.facts);
  }
  const bool runs = batch.state == core::BatchState::running;
  if (runs && batch.ready_p90 && batch.deadline && *batch.ready_p90 > *batch.deadline) {
    const std::string text = "it may be late: in nine nights of ten it is ready by " +
                             to_rfc3339(*batch.ready_p90) +
                             "; raise its priority, add workers or ask for less";
    Fact fact = batch_fact("late", text, batch);
    fact.at = batch.ready_p90;
    it.facts.push_back(std::move(fact));
    it.sentence += "; " + text;
  }
  if (batch.jobs_failed > 0) {
    Fact fact = batch_fact("jobs_failed", count_of(batch.jobs_failed, "job") + " failed", batch);
    fact.count = batch.jobs_failed;
    it.facts.push_back(std::move(fact));
  }
  it.sentence = as_sentence(std::move(it.sentence));
  return it;
}

}  // namespace pirouette::http
