// Every case of a worker in explain.h with its sentence.

#include <gtest/gtest.h>

#include "coordinator/http/explain.h"
#include "tests/unit/http/explain_farm.h"

namespace pirouette::http {
namespace {

TEST(ExplainWorker, OneSentenceAState) {
  const auto told = [](const store::WorkerRow& row, std::vector<core::LedgerRow> words = {},
                       const std::optional<core::Progress>& progress = {}) {
    return explain_worker(row, progress, a_farm({row}, std::move(words))).sentence;
  };
  EXPECT_EQ(told(a_worker(1)), "Worker gpu-1 idles: no job waits; submit a batch.");
  EXPECT_EQ(told(a_busy_worker(1), {}, at_step_3()),
            "Worker gpu-1 renders job 7 (witch, back), step 3 of 24.");
  EXPECT_EQ(told(a_worker(1), {a_word(1, "rests for 16 s after 7 failures in a row")}),
            "Worker gpu-1 rests until 2026-02-02T02:40:06.000Z (rests for 16 s after 7 failures in "
            "a row); see its log; restarted, it is asked at once.");
  store::WorkerRow refusing = a_worker(1);
  refusing.worker.capacity = 0;
  EXPECT_EQ(told(refusing, {a_word(1, "0: the disk is full")}),
            "Worker gpu-1 takes no work: 0: the disk is full; mend that and restart it.");
  store::WorkerRow draining = a_busy_worker(1);
  draining.worker.state = core::WorkerState::draining;
  EXPECT_EQ(
      told(draining),
      "Worker gpu-1 drains: it finishes 1 job and gets nothing new; restart it to let it work "
      "again.");
  EXPECT_EQ(told(a_worker(1, core::WorkerState::draining)),
            "Worker gpu-1 has drained: it has nothing left and gets nothing new; stop it, or "
            "restart it to let it work again.");
  EXPECT_EQ(told(a_worker(1, core::WorkerState::lost)),
            "Worker gpu-1 fell silent at 2026-02-02T02:39:59.000Z, and its jobs went back to the "
            "queue; see that its machine and network are up, and start pirouette-worker serve "
            "there.");
  EXPECT_EQ(
      told(a_worker(1, core::WorkerState::gone)),
      "Worker gpu-1 said goodbye at 2026-02-02T02:39:59.000Z; start pirouette-worker serve to "
      "have it back.");
}

TEST(ExplainWorker, OneThatIsNotTrustedSaysWhyAndWhatToDo) {
  store::WorkerRow worker = a_worker(1);
  worker.worker.quarantine = "its picture of job 3 is another one";
  const Explanation it = explain_worker(worker, {}, a_farm({worker}));
  EXPECT_EQ(it.sentence,
            "Worker gpu-1 is in quarantine: its picture of job 3 is another one; it works again "
            "once it has made a picture that is known, and is tried at once when it is "
            "restarted.");
  EXPECT_EQ(kinds(it), Kinds{"worker_quarantined"});
  FarmView farm = a_farm({a_worker(2)});
  farm.stopped = "nobody made a picture since";
  EXPECT_EQ(explain_worker(a_worker(2), {}, farm).sentence,
            "Worker gpu-2 gets nothing, like all others: nobody made a picture since.");
}

TEST(ExplainWorker, AnIdleOneSaysWhatItLacks) {
  store::WorkerRow worker = a_worker(1);
  FarmView farm = a_farm({worker});
  store::BatchRow waiting;
  waiting.batch = a_batch();
  farm.running = {waiting};
  EXPECT_EQ(
      explain_worker(worker, {}, farm).sentence,
      "Worker gpu-1 is free, and batch 2 has 2 jobs for it: it gets one within a second, or a "
      "little later if it just refused or failed them; if the batch is paused, once it is "
      "resumed.");
  auto recipe = std::make_shared<Recipe>(*a_recipe());
  recipe->proof = "front";
  farm.running[0].batch.recipe = recipe;
  farm.running[0].jobs_held = 1;
  EXPECT_EQ(explain_worker(worker, {}, farm).sentence,
            "Worker gpu-1 is free, and batch 2 has 1 job for it: it gets one within a second, or a "
            "little later if it just refused or failed them; if the batch is paused, once it is "
            "resumed.")
      << "what is held is for nobody";
  recipe->required_tags = {"80gb"};
  EXPECT_EQ(explain_worker(worker, {}, farm).sentence,
            "Worker gpu-1 idles: it can render none of the jobs that wait; batch 2 wants the tag "
            "80gb, which it does not have; give it that and restart it.");
  farm.running[0].batch.recipe = a_recipe();
  worker.worker.loras = {};
  EXPECT_EQ(explain_worker(worker, {}, farm).sentence,
            "Worker gpu-1 idles: it can render none of the jobs that wait; batch 2 wants the LoRA "
            "ink, which it does not have; give it that and restart it.");
}

}  // namespace
}  // namespace pirouette::http
