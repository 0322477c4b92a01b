// Every case of a job, a sheet and a batch in explain.h with its sentence.

#include "coordinator/http/explain.h"

#include <gtest/gtest.h>

#include "tests/unit/http/explain_farm.h"

namespace pirouette::http {
namespace {

std::string told(const store::JobStory& story, const FarmView& farm, const store::Ahead& ahead = {},
                 const std::optional<core::Progress>& progress = {}) {
  return explain_job(story, a_batch(), ahead, progress, farm).sentence;
}

// --- a job that waits ---

const std::string kWaits = "Job 12 (knight, front) waits: ";

TEST(ExplainJob, NobodyIsOnline) {
  EXPECT_EQ(told(a_job(core::JobState::queued), a_farm({})),
            kWaits + "no worker is online; start one with pirouette-worker serve.");
  EXPECT_EQ(told(a_job(core::JobState::queued), a_farm({a_worker(1, core::WorkerState::draining)})),
            kWaits +
                "no worker is online; start one with pirouette-worker serve; gpu-1 could, but "
                "is draining.");
}

TEST(ExplainJob, NobodyHasTheModelOrTheLora) {
  store::WorkerRow other = a_worker(1);
  other.worker.models = {"flux"};
  EXPECT_EQ(told(a_job(core::JobState::queued), a_farm({other})),
            kWaits + "no online worker has the model kontext; there are: flux.");
  other.worker.models = {"kontext"};
  other.worker.loras = {};
  EXPECT_EQ(told(a_job(core::JobState::queued), a_farm({other})),
            kWaits + "no online worker has the LoRA ink; there are none.");
  EXPECT_EQ(
      told(a_job(core::JobState::queued), a_farm({other, a_worker(2, core::WorkerState::lost)})),
      kWaits +
          "no online worker has the LoRA ink; there are none; gpu-2 could, but is not "
          "connected.");
}

TEST(ExplainJob, WhoCouldIsBusyAndOthersGoFirst) {
  const store::JobStory job = a_job(core::JobState::queued);
  const FarmView farm = a_farm({a_busy_worker(1), a_busy_worker(2)});
  EXPECT_EQ(told(job, farm), kWaits + "gpu-1 and gpu-2 could take it and are busy.");
  EXPECT_EQ(told(job, farm, {40, 12, true}),
            kWaits +
                "gpu-1 and gpu-2 could take it and are busy; 40 jobs go before it, 12 of them "
                "of a higher priority.");
  EXPECT_EQ(told(job, farm, {10'000, 0, false}),
            kWaits +
                "gpu-1 and gpu-2 could take it and are busy; more than 10000 jobs go before "
                "it.");
  EXPECT_EQ(kinds(explain_job(job, a_batch(), {40, 12, true}, {}, farm)),
            (Kinds{"worker_busy", "worker_busy", "queued_behind"}));
}

TEST(ExplainJob, WhoCouldRestsOrTakesNothing) {
  const store::JobStory job = a_job(core::JobState::queued);
  EXPECT_EQ(
      told(job, a_farm({a_worker(1)}, {a_word(1, "rests for 16 s after 7 failures in a row")})),
      kWaits +
          "gpu-1 could take it and rests until 2026-02-02T02:40:06.000Z (rests for 16 s "
          "after 7 failures in a row); a worker that works again is asked sooner once it "
          "is restarted.");
  EXPECT_EQ(
      told(job, a_farm({a_worker(1)}, {a_word(1, "rests for 8 s after 6 failures in a row")})),
      kWaits +
          "gpu-1 has room for it and is asked within a second, or a little later if it "
          "just refused or failed it.")
      << "it has rested";
  store::WorkerRow refusing = a_worker(1);
  refusing.worker.capacity = 0;
  EXPECT_EQ(told(job, a_farm({refusing}, {a_word(1, "0: the disk is full")})),
            kWaits +
                "gpu-1 has its model and LoRAs and takes no work (gpu-1 says: 0: the disk is "
                "full); mend that and restart it.");
}

TEST(ExplainJob, ItFailedBefore) {
  store::JobStory job = a_job(core::JobState::queued);
  job.row.job.failures = 2;
  job.row.job.error = "out of memory";
  EXPECT_EQ(told(job, a_farm({a_busy_worker(1)})),
            kWaits +
                "gpu-1 could take it and is busy; it failed 2 times already, the last time: "
                "out of memory.");
}

TEST(ExplainJob, TheFarmIsStopped) {
  FarmView farm = a_farm({a_worker(1)});
  farm.stopped = "different workers failed different jobs; the last said: no space";
  const Explanation it = explain_job(a_job(core::JobState::queued), a_batch(), {}, {}, farm);
  EXPECT_EQ(it.sentence,
            kWaits +
                "no work is given out: different workers failed different jobs; the last said: no "
                "space; mend that, and the next job that is tried sets it going again (at the "
                "latest after eight minutes, or once any worker is restarted).");
  EXPECT_EQ(kinds(it), Kinds{"farm_stopped"});
}

TEST(ExplainJob, WhoCouldIsInQuarantine) {
  store::WorkerRow worker = a_worker(1);
  worker.worker.quarantine = "it failed 3 different jobs in a row, the last time: device lost";
  const Explanation it =
      explain_job(a_job(core::JobState::queued), a_batch(), {}, {}, a_farm({worker}));
  EXPECT_EQ(
      it.sentence,
      kWaits +
          "gpu-1 could take it and is in quarantine: it failed 3 different jobs in a row, the last "
          "time: device lost; it works again once it has made a picture that is known.");
  EXPECT_EQ(kinds(it), Kinds{"worker_quarantined"});
}

TEST(ExplainJob, OfSeveralWorkersTheWordsAreForSeveral) {
  const store::JobStory job = a_job(core::JobState::queued);
  EXPECT_EQ(told(job, a_farm({a_worker(1), a_worker(2)})),
            kWaits +
                "gpu-1 and gpu-2 have room for it and are asked within a second, or a little later "
                "if they just refused or failed it.");
  std::vector<store::WorkerRow> several = {a_worker(1), a_worker(2)};
  for (store::WorkerRow& row : several) row.worker.quarantine = "device lost";
  EXPECT_EQ(told(job, a_farm(several)),
            kWaits +
                "gpu-1 and gpu-2 could take it and are in quarantine (gpu-1: device lost); each "
                "works again once it has made a picture that is known.");
}

TEST(ExplainJob, NobodyHasTheTag) {
  store::JobStory job = a_job(core::JobState::queued);
  auto recipe = std::make_shared<Recipe>(*a_recipe());
  recipe->required_tags = {"80gb", "night"};
  job.row.recipe = recipe;
  store::WorkerRow big = a_worker(1), night = a_worker(2);
  big.worker.tags = {"80gb"};
  EXPECT_EQ(told(job, a_farm({big})),
            kWaits + "no online worker has the tag night; there are: 80gb.");
  night.worker.tags = {"night"};
  EXPECT_EQ(told(job, a_farm({big, night})),
            kWaits +
                "no online worker has the model kontext, all of the recipe's LoRAs and the tags it "
                "requires.");
  big.worker.tags = {"80gb", "night"};
  EXPECT_EQ(told(job, a_farm({big})),
            kWaits +
                "gpu-1 has room for it and is asked within a second, or a little later if it just "
                "refused or failed it.");
}

TEST(ExplainJob, OthersSharesGoBeforeItOrAfter) {
  store::Ahead ahead;
  ahead.by_share = 7;
  const Explanation it =
      explain_job(a_job(core::JobState::queued), a_batch(), ahead, {}, a_farm({a_busy_worker(1)}));
  EXPECT_EQ(it.sentence,
            kWaits +
                "gpu-1 could take it and is busy; 7 jobs of other owners go before it or after it, "
                "as each owner's share of the farm is then.");
  EXPECT_EQ(kinds(it), (Kinds{"worker_busy", "queued_by_share"}));
}

TEST(ExplainJob, ItTakesOnlyIdleCapacity) {
  core::Batch batch = a_batch();
  batch.idle_only = true;
  const Explanation it =
      explain_job(a_job(core::JobState::queued), batch, {}, {}, a_farm({a_busy_worker(1)}));
  EXPECT_EQ(
      it.sentence,
      kWaits + "gpu-1 could take it and is busy; its batch takes only what nobody else can use.");
  EXPECT_EQ(kinds(it), (Kinds{"worker_busy", "idle_only"}));
}

// --- a job elsewhere on its way ---

TEST(ExplainJob, SomebodyHasIt) {
  store::JobStory job = a_job(core::JobState::leased);
  job.row.worker = "gpu-1";
  job.row.job.worker = {1};
  job.row.job.leased_at = kNow - seconds(20);
  store::WorkerRow worker = a_busy_worker(1);
  const core::Progress progress = at_step_3();
  EXPECT_EQ(told(job, a_farm({worker}), {}, progress),
            "Job 12 (knight, front) is with gpu-1 since 2026-02-02T02:39:40.000Z, step 3 of 24.");
  EXPECT_EQ(told(job, a_farm({worker})),
            "Job 12 (knight, front) is with gpu-1 since 2026-02-02T02:39:40.000Z, which has not "
            "begun to render it yet.");
  worker.worker.heard_at = kNow - seconds(11);
  EXPECT_EQ(told(job, a_farm({worker}), {}, progress).find("last heard"), std::string::npos)
      << "a worker that is well may be written so seldom";
  worker.worker.heard_at = kNow - seconds(13);
  EXPECT_EQ(told(job, a_farm({worker}), {}, progress),
            "Job 12 (knight, front) is with gpu-1 since 2026-02-02T02:39:40.000Z, step 3 of 24; "
            "gpu-1 was last heard 13 s ago; when its lease ends, the job goes to another worker.");
  FarmView large = a_farm({worker});
  large.heartbeat = seconds(10);  // ten thousand workers
  EXPECT_EQ(told(job, large, {}, progress).find("last heard"), std::string::npos);
}

TEST(ExplainJob, ItIsDone) {
  store::JobStory job = a_job(core::JobState::done);
  job.row.worker = "gpu-1";
  job.row.job.leased_at = kNow - seconds(31);
  job.row.job.ended_at = kNow;
  job.row.job.attempts = 1;
  EXPECT_EQ(told(job, a_farm({})), "Job 12 (knight, front) is done: gpu-1 made it in 31 s.");
  job.row.job.attempts = 3;
  EXPECT_EQ(told(job, a_farm({})),
            "Job 12 (knight, front) is done: gpu-1 made it in 31 s, one of 3 attempts.");
}

TEST(ExplainJob, ItFailedForGood) {
  store::JobStory job = a_job(core::JobState::failed);
  job.row.job.attempts = 3;
  job.row.job.error = "the reference has no face";
  store::Attempt last;
  last.worker = "gpu-7";
  last.lease.worker = {7};
  last.lease.attempt = 3;
  last.ended = a_word(7, "the reference has no face");
  job.attempts = {last};
  const Explanation it = explain_job(job, a_batch(), {}, {}, a_farm({}));
  EXPECT_EQ(it.sentence,
            "Job 12 (knight, front) failed for good after 3 attempts; gpu-7 said last: the "
            "reference has no face; mend that, then ask for another take of pose 12 (reroll).");
  ASSERT_EQ(kinds(it), Kinds{"attempt_ended"});
  EXPECT_EQ(it.facts[0].count, 3u);
  EXPECT_EQ(it.state, "failed");
}

TEST(ExplainJob, ItIsHeldOrCancelled) {
  core::Batch batch = a_batch();
  auto recipe = std::make_shared<Recipe>(*a_recipe());
  recipe->proof = "front";
  batch.recipe = recipe;
  store::JobStory held = a_job(core::JobState::held);
  held.row.view = 1;
  const Explanation it = explain_job(held, batch, {}, {}, a_farm({}));
  EXPECT_EQ(it.sentence,
            "Job 12 (knight, back) is held back: its character's front view is rendered first; it "
            "goes on once that view's checks pass or a person approves it.");
  EXPECT_EQ(kinds(it), Kinds{"waits_for_proof"});
  store::JobStory job = a_job(core::JobState::cancelled);
  job.row.job.ended_at = kNow;
  EXPECT_EQ(
      told(job, a_farm({})),
      "Job 12 (knight, front) was cancelled at 2026-02-02T02:40:00.000Z; submit its character "
      "again to have it rendered.");
}

// --- sheets and batches ---

store::SheetRow a_sheet(core::SheetState state, std::vector<core::JobState> jobs) {
  store::SheetRow row;
  row.sheet.id = {6};
  row.sheet.character = "knight";
  row.sheet.state = state;
  row.sheet.version = 1;
  for (std::uint32_t view = 0; view < jobs.size(); ++view) {
    store::PoseRow pose;
    pose.pose.view = view;
    pose.latest.state = jobs[view];
    if (jobs[view] == core::JobState::failed) pose.latest.error = "no face";
    if (jobs[view] == core::JobState::done) pose.chosen = pose.latest;
    row.poses.push_back(pose);
  }
  return row;
}

TEST(ExplainSheet, OneSentenceAState) {
  using core::JobState;
  using core::SheetState;
  const auto told = [](SheetState state, std::vector<JobState> jobs) {
    return explain_sheet(a_sheet(state, std::move(jobs)), a_batch(), a_farm({})).sentence;
  };
  const std::string sheet = "Sheet 6 (knight) ";
  EXPECT_EQ(
      told(SheetState::rendering, {JobState::done, JobState::queued}),
      sheet + "waits for 1 view: no worker is online; start one with pirouette-worker serve.");
  EXPECT_EQ(told(SheetState::rendering, {JobState::leased, JobState::queued}),
            sheet + "is being rendered: 1 view just now, 1 to come.");
  EXPECT_EQ(told(SheetState::rendering, {JobState::done, JobState::done}),
            sheet +
                "has all its views and is being put together; if that goes on for long, see the "
                "coordinator's log.");
  EXPECT_EQ(told(SheetState::ready, {JobState::done, JobState::done}),
            sheet + "is ready as version 1; review it.");
  EXPECT_EQ(told(SheetState::incomplete, {JobState::done, JobState::failed}),
            sheet +
                "has 1 gap: back failed: no face; mend that, then ask for another take of each "
                "(reroll).");
  EXPECT_EQ(told(SheetState::incomplete, {JobState::done, JobState::done}),
            sheet + "could not be put together; its checks say why.");
  EXPECT_EQ(told(SheetState::approved, {JobState::done, JobState::done}),
            sheet + "is approved as version 1; nothing is left to do.");
  EXPECT_EQ(told(SheetState::cancelled, {JobState::cancelled, JobState::done}),
            sheet + "was cancelled; submit its character again to have it rendered.");
}

TEST(ExplainBatch, OneSentenceAState) {
  store::BatchRow row;
  const auto told = [&](std::vector<store::WorkerRow> workers) {
    return explain_batch(row, a_farm(std::move(workers))).sentence;
  };
  row.batch = a_batch();
  EXPECT_EQ(told({}), "Batch 2 waits: no worker is online; start one with pirouette-worker serve.");
  row.jobs_running = 1;
  EXPECT_EQ(told({}), "Batch 2 is being rendered: 1 job just now, 0 of 2 are over.");
  row.jobs_running = 0;
  row.batch.jobs_done = 2;
  EXPECT_EQ(told({}), "Batch 2 is rendered; 1 sheet is being put together.");
  row.batch.state = core::BatchState::finished;
  EXPECT_EQ(told({}), "Batch 2 is finished: 2 of 2 jobs done.");
  row.batch.jobs_done = row.batch.jobs_failed = 1;
  EXPECT_EQ(told({}),
            "Batch 2 is finished: 1 of 2 jobs done; ask for another take of those that failed "
            "(reroll).");
  row.batch.state = core::BatchState::cancelled;
  EXPECT_EQ(told({}), "Batch 2 was cancelled with 1 of 2 jobs done.");
}

TEST(ExplainBatch, WhatIsHeldWaitsForAPersonAndNotForWorkers) {
  store::BatchRow row;
  row.batch = a_batch();
  auto recipe = std::make_shared<Recipe>(*a_recipe());
  recipe->proof = "front";
  row.batch.recipe = recipe;
  row.batch.jobs_done = 1;
  row.jobs_held = 1;
  const Explanation it = explain_batch(row, a_farm({a_worker(1)}));
  EXPECT_EQ(it.sentence,
            "Batch 2 waits for a person: of each character that is held, the front view is not "
            "found good yet; approve it to have the others rendered, or ask for another take "
            "of it.");
  EXPECT_EQ(kinds(it), Kinds{"waits_for_proof"});
  EXPECT_EQ(it.facts[0].count, 1u);
  FarmView farm = a_farm({a_worker(1)});
  farm.running = {row};
  EXPECT_EQ(explain_worker(a_worker(1), {}, farm).sentence,
            "Worker gpu-1 idles: what is left of batch 2 waits for a person: of each character "
            "that is held, the front view is not found good yet; approve it to have the "
            "others rendered, or ask for another take of it.");
  row.batch.jobs_done = 0;
  EXPECT_EQ(kinds(explain_batch(row, a_farm({a_worker(1)}))), Kinds{"worker_free"})
      << "one waits for a worker";
}

TEST(ExplainBatch, ItMayBeLate) {
  store::BatchRow row;
  row.batch = a_batch();
  row.jobs_running = 1;
  row.batch.deadline = kNow + seconds(60);
  row.batch.ready_p90 = kNow + seconds(60);
  EXPECT_TRUE(explain_batch(row, a_farm({})).facts.empty());
  row.batch.ready_p90 = kNow + seconds(600);
  const Explanation it = explain_batch(row, a_farm({}));
  EXPECT_EQ(it.sentence,
            "Batch 2 is being rendered: 1 job just now, 0 of 2 are over; it may be late: in nine "
            "nights of ten it is ready by 2026-02-02T02:50:00.000Z; raise its priority, add "
            "workers or ask for less.");
  EXPECT_EQ(kinds(it), Kinds{"late"});
  row.batch.state = core::BatchState::finished;
  EXPECT_TRUE(explain_batch(row, a_farm({})).facts.empty()) << "it is over";
}

}  // namespace
}  // namespace pirouette::http
