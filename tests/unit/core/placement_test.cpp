#include "coordinator/core/placement.h"

#include <gtest/gtest.h>

#include <set>

namespace pirouette::core {
namespace {

// Batches of one sheet a character, one job a view, numbered as they are added.
class Placement : public testing::Test {
 protected:
  Placement() { worker_.models = {"tiny", "big"}; }

  std::shared_ptr<const Recipe> recipe(const std::string& model) {
    Recipe recipe;
    recipe.model = model;
    return std::make_shared<const Recipe>(recipe);
  }

  void add_batch(const std::string& model, int sheets, int priority = 50) {
    Batch batch;
    batch.id = {++batches_};
    batch.priority = priority;
    batch.recipe = recipe(model);
    for (int i = 0; i < sheets; ++i) {
      Sheet sheet;
      sheet.id = {++sheets_};
      sheet.reference = reference(sheets_);
      Job job;
      job.id = {++jobs_};
      job.pose = {jobs_};
      job.sheet = sheet.id;
      job.batch = batch.id;
      queue_.add(batch, sheet, job, {{}, idle_only_});
      rows_.emplace(job.id, std::tuple{batch, sheet, job});
    }
  }

  static Digest reference(std::uint64_t sheet) { return sha256(std::to_string(sheet)); }

  // The number of the job it gets, 0 for none; an overtaking is counted.
  std::uint64_t choose_one() {
    const auto choice = choose(queue_, {worker_, residency_, device_class_, empty_handed_}, policy_,
                               [&](JobId job) { return !forbidden_.contains(job); });
    if (!choice) return 0;
    if (choice->overtaken) {
      const auto& [batch, sheet, job] = rows_.at(choice->overtaken);
      queue_.count_overtaking(batch, sheet, job);
    }
    return choice->job.value;
  }

  Queue queue_;
  Worker worker_;
  Residency residency_;
  Policy policy_;
  std::uint32_t device_class_ = 1;
  bool empty_handed_ = true, idle_only_ = false;
  std::set<JobId> forbidden_;
  std::map<JobId, std::tuple<Batch, Sheet, Job>> rows_;
  std::uint64_t batches_ = 0, sheets_ = 0, jobs_ = 0;
};

TEST_F(Placement, AFreshWorkerGetsTheFirstOfTheFairOrder) {
  add_batch("tiny", 3);
  EXPECT_EQ(choose_one(), 1u);
}

TEST_F(Placement, AnEmptyQueueGivesNothing) { EXPECT_EQ(choose_one(), 0u); }

TEST_F(Placement, TheModelInMemoryBeatsTheReferenceInMemory) {
  add_batch("big", 1);
  add_batch("big", 1);
  add_batch("tiny", 1);
  residency_.note(recipe("tiny"), reference(2));
  EXPECT_EQ(choose_one(), 3u);
}

TEST_F(Placement, TheReferenceInMemoryBeatsTheFairOrder) {
  add_batch("tiny", 3);
  residency_.note(recipe("tiny"), reference(2));
  EXPECT_EQ(choose_one(), 2u);
}

TEST_F(Placement, AReferenceNeverOvertakesAHigherPriority) {
  add_batch("tiny", 1, 50);
  add_batch("tiny", 1, 90);
  residency_.note(recipe("tiny"), reference(1));
  EXPECT_EQ(choose_one(), 2u);
}

TEST_F(Placement, AJobIsOvertakenOnlySoOften) {
  add_batch("big", 1);
  add_batch("tiny", 1);
  residency_.note(recipe("tiny"), {});
  for (std::uint32_t i = 0; i < policy_.overtakings_max; ++i) EXPECT_EQ(choose_one(), 2u);
  EXPECT_EQ(choose_one(), 1u);
}

TEST_F(Placement, ABetterJobBeyondTheLookAheadIsNotSeen) {
  add_batch("big", 64);
  add_batch("tiny", 1);
  residency_.note(recipe("tiny"), {});
  EXPECT_EQ(choose_one(), 1u);
  policy_.look_ahead = 65;
  EXPECT_EQ(choose_one(), 65u);
}

TEST_F(Placement, JobsOfAModelItHasNotTakeNoPlaceInTheLookAhead) {
  worker_.models = {"tiny"};
  add_batch("big", 100);
  add_batch("tiny", 1);
  EXPECT_EQ(choose_one(), 101u);
}

TEST_F(Placement, ALoraItHasNotIsNotForIt) {
  Recipe styled;
  styled.model = "tiny";
  styled.loras.push_back({"turnaround", 1, ""});
  EXPECT_FALSE(can_render(worker_, styled));
  worker_.loras = {"turnaround"};
  EXPECT_TRUE(can_render(worker_, styled));
}

TEST_F(Placement, ARegisteredLoraNeedsRoomAndNoFileOfItsOwn) {
  Recipe styled;
  styled.model = "tiny";
  styled.loras = {{"turnaround", 1, "", sha256("a"), 60}, {"ink", 1, "", sha256("b"), 40}};
  worker_.loras = {"turnaround", "ink"};
  worker_.lora_cache_bytes = 99;
  EXPECT_FALSE(can_render(worker_, styled)) << "it holds each, and not both";
  worker_.loras.clear();
  worker_.lora_cache_bytes = 100;
  EXPECT_TRUE(can_render(worker_, styled));
}

TEST_F(Placement, OtherBytesUnderTheSameNameAreNotInMemory) {
  Recipe before, after;
  before.loras = {{"ink", 1, "", sha256("a"), 1}};
  after.loras = {{"ink", 1, "", sha256("b"), 1}};
  residency_.note(std::make_shared<const Recipe>(before), {});
  EXPECT_FALSE(residency_.has_weights(after));
}

TEST_F(Placement, TheSameLoraAtAnotherScaleIsNotInMemory) {
  Recipe strong, weak;
  strong.loras.push_back({"turnaround", 1, ""});
  weak.loras.push_back({"turnaround", 0, ""});
  residency_.note(std::make_shared<const Recipe>(strong), {});
  EXPECT_TRUE(residency_.has_weights(Recipe(strong)));
  EXPECT_FALSE(residency_.has_weights(weak));
}

TEST_F(Placement, ACharacterStaysOnTheClassOfDeviceThatBeganItWhereAnotherOneWaits) {
  add_batch("tiny", 3);
  const auto& [batch, sheet, job] = rows_.at(JobId{1});
  queue_.note_class(batch, sheet, 2);
  EXPECT_EQ(choose_one(), 2u);
  device_class_ = 2;
  EXPECT_EQ(choose_one(), 1u);
}

TEST_F(Placement, AClassOfDeviceKeepsNoWorkerIdleAndOvertakesNoPriority) {
  add_batch("tiny", 1, 90);
  const auto& [batch, sheet, job] = rows_.at(JobId{1});
  queue_.note_class(batch, sheet, 2);
  EXPECT_EQ(choose_one(), 1u);
  add_batch("tiny", 1, 50);
  EXPECT_EQ(choose_one(), 1u);
}

TEST_F(Placement, OnlyAWorkerWithTheTagGetsWhatRequiresIt) {
  Recipe big;
  big.model = "tiny";
  big.required_tags = {"80gb", "h100"};
  worker_.tags = {"h100"};
  EXPECT_FALSE(can_render(worker_, big));
  worker_.tags = {"h100", "night", "80gb"};
  EXPECT_TRUE(can_render(worker_, big));
}

TEST_F(Placement, IdleWorkIsForAWorkerThatFindsNothingElseAndHasNothingInHand) {
  idle_only_ = true;
  add_batch("tiny", 1, 100);
  idle_only_ = false;
  residency_.note(recipe("tiny"), reference(1));
  add_batch("big", 1, 0);
  EXPECT_EQ(choose_one(), 2u);  // though the other one is in memory and of a high priority
  forbidden_ = {JobId{2}};
  EXPECT_EQ(choose_one(), 1u);
  empty_handed_ = false;
  EXPECT_EQ(choose_one(), 0u);
}

TEST_F(Placement, AForbiddenJobIsPassedByWithoutCountingAsOvertaken) {
  add_batch("tiny", 2);
  forbidden_ = {JobId{1}};
  EXPECT_EQ(choose_one(), 2u);
  queue_.visit([](const LineRank&, const Queue::Line& line) {
    EXPECT_EQ(line.groups.begin()->second.jobs[0].overtaken, 0u);
    return true;
  });
}

TEST_F(Placement, OldReferencesAreForgotten) {
  for (std::uint64_t i = 0; i <= Residency::kReferencesMax; ++i) {
    residency_.note(recipe("tiny"), reference(i));
  }
  EXPECT_FALSE(residency_.has_reference(reference(0)));
  EXPECT_TRUE(residency_.has_reference(reference(1)));
}

}  // namespace
}  // namespace pirouette::core
