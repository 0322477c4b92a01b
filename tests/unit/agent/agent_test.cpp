// The agent's behaviour as transcripts: what happened, and everything it then wants done.

#include "worker/agent/agent.h"

#include <gtest/gtest.h>

namespace pirouette::agent {
namespace {

std::string text(const Say& say) {
  struct Text {
    std::string operator()(const SayHello& s) const {
      std::string line = "hello capacity " + std::to_string(s.capacity) + " held";
      for (const auto& [lease, job] : s.held) line += " " + std::to_string(lease.value);
      line += " outbox";
      for (const Finished& f : s.outbox) line += " " + std::to_string(f.lease.value);
      return line;
    }
    std::string operator()(const SayChangedCapacity& s) const {
      return "capacity " + std::to_string(s.capacity) + (s.why.empty() ? "" : ": " + s.why);
    }
    std::string operator()(const SayHeartbeat& s) const {
      return "heartbeat" + (s.residency.empty() ? "" : " " + s.residency) + " capacity " +
             std::to_string(s.capacity);
    }
    std::string operator()(const SayRefused& s) const {
      return "refused " + std::to_string(s.lease.value) + ": " + s.why;
    }
    std::string operator()(const SayProgressed& s) const {
      return "step " + std::to_string(s.step) + "/" + std::to_string(s.of);
    }
    std::string operator()(const SayFailed& s) const {
      return "failed " + std::to_string(s.lease.value) + ": " + s.message;
    }
    std::string operator()(const SayFinished& s) const {
      return "finished " + std::to_string(s.result.lease.value);
    }
    std::string operator()(const SayGoodbye&) const { return "goodbye"; }
  };
  return "say " + std::visit(Text{}, say);
}

std::string text(const Task& task) {
  struct Text {
    std::string operator()(const FetchReference&) const { return "fetch"; }
    std::string operator()(const FetchLoras& t) const {
      std::string line = "fetch LoRAs";
      for (const RecipeLora& lora : t.loras) line += " " + lora.name;
      return line;
    }
    std::string operator()(const StartRender& t) const {
      return "render " + std::to_string(t.lease.value);
    }
    std::string operator()(const StopRender& t) const {
      return "stop " + std::to_string(t.lease.value);
    }
    std::string operator()(const KeepResult& t) const {
      return std::string(t.without_picture ? "note " : "keep ") +
             std::to_string(t.result.lease.value);
    }
    std::string operator()(const DropPicture& t) const {
      return "drop " + std::to_string(t.lease.value);
    }
    std::string operator()(const ForgetResult& t) const {
      return "forget " + std::to_string(t.lease.value);
    }
    std::string operator()(const PutBlob&) const { return "put"; }
  };
  return std::visit(Text{}, task);
}

const Digest kReference = sha256("reference");
const Digest kPicture = sha256("picture");

class AgentTest : public testing::Test {
 protected:
  // Everything it wants done after this, joined by "; ", tasks first.
  std::string after(const Event& event) {
    const Actions actions = agent_.step(event, now_);
    std::string line;
    for (const Task& task : actions.tasks) line += (line.empty() ? "" : "; ") + text(task);
    for (const Say& say : actions.says) line += (line.empty() ? "" : "; ") + text(say);
    if (actions.leave) line += (line.empty() ? "leave" : "; leave");
    return line;
  }
  Assigned assigned(std::uint64_t lease) {
    RenderSpec spec;
    spec.reference = kReference;
    return {{lease}, {lease + 100}, spec};
  }
  // With these registered LoRAs, and one of the worker's own.
  Assigned assigned(std::uint64_t lease, const std::vector<std::string>& loras) {
    Assigned job = assigned(lease);
    job.spec.loras.push_back({"own", 1, ""});
    for (const std::string& name : loras) job.spec.loras.push_back({name, 1, "", sha256(name), 10});
    return job;
  }
  std::string in_use() const {
    std::string names;
    for (const Digest& digest : agent_.loras_in_use()) {
      for (const char* name : {"a", "b", "c"}) {
        if (digest == sha256(name)) names += name;
      }
    }
    return names;
  }
  void join() {
    after(Connected{});
    after(Welcomed{seconds(2), seconds(15)});
  }
  void render(std::uint64_t lease) {
    after(assigned(lease));
    after(ReferenceFetched{kReference});
  }

  Instant now_{1'000'000'000};
  Agent agent_{Policy{}, {}, now_};
};

TEST_F(AgentTest, AJobGoesItsWay) {
  EXPECT_EQ(after(Connected{}), "say hello capacity 2 held outbox");
  EXPECT_EQ(after(Welcomed{seconds(2), seconds(15)}), "say heartbeat capacity 2");
  EXPECT_EQ(after(assigned(1)), "fetch");
  EXPECT_EQ(after(assigned(2)), "");  // the same reference is on its way
  EXPECT_EQ(after(ReferenceFetched{kReference}), "render 1; render 2");
  EXPECT_EQ(after(RenderFinished{{1}, kPicture, "{}"}), "keep 1");
  EXPECT_EQ(after(ResultKept{{1}}), "put");
  EXPECT_EQ(after(BlobStored{kPicture}), "say finished 1");
  EXPECT_EQ(after(Acknowledged{{1}}), "forget 1");
  EXPECT_EQ(after(Acknowledged{{1}}), "");
}

TEST_F(AgentTest, APictureTheCoordinatorHasIsNotSentAgain) {
  join();
  render(1);
  after(RenderFinished{{1}, kPicture, "{}"});
  after(ResultKept{{1}});
  after(BlobStored{kPicture});
  render(2);
  EXPECT_EQ(after(RenderFinished{{2}, kPicture, "{}"}), "note 2");
  EXPECT_EQ(after(ResultKept{{2}}), "say finished 2");
  EXPECT_EQ(after(ResultWanted{{2}}), "put");
}

TEST_F(AgentTest, MoreThanItsCapacityIsRefused) {
  join();
  after(assigned(1));
  after(assigned(2));
  EXPECT_EQ(after(assigned(3)), "say refused 3: holds its 2 jobs already");
  EXPECT_EQ(after(assigned(2)), "");  // held: said twice
}

TEST_F(AgentTest, ProgressIsSaidFirstLastAndTwiceASecond) {
  join();
  render(1);
  EXPECT_EQ(after(RenderStepped{{1}, 1, 24}), "say step 1/24");
  EXPECT_EQ(after(RenderStepped{{1}, 2, 24}), "");
  now_ = now_ + milliseconds(500);
  EXPECT_EQ(after(RenderStepped{{1}, 3, 24}), "say step 3/24");
  EXPECT_EQ(after(RenderStepped{{1}, 24, 24}), "say step 24/24");
}

TEST_F(AgentTest, WithoutItsCoordinatorItGoesOnAndTellsAllInTheNextHello) {
  join();
  render(1);
  after(assigned(2));
  EXPECT_EQ(after(Disconnected{}), "");
  EXPECT_EQ(after(RenderStepped{{1}, 5, 24}), "");
  EXPECT_EQ(after(RenderFinished{{1}, kPicture, "{}"}), "keep 1");
  EXPECT_EQ(after(ResultKept{{1}}), "put");
  EXPECT_EQ(after(RenderFailed{{2}, FailureClass::retryable, false, "out of memory"}), "");
  EXPECT_EQ(after(Connected{}), "say hello capacity 2 held 2 outbox 1");
  EXPECT_EQ(after(assigned(9)), "");  // of the old link
  EXPECT_EQ(after(Welcomed{seconds(2), seconds(15)}),
            "say heartbeat capacity 2; say failed 2: out of memory");
  EXPECT_EQ(after(ResultWanted{{1}}), "");  // on its way already
  EXPECT_EQ(after(BlobStored{kPicture}), "say finished 1");
}

TEST_F(AgentTest, WhatIsKeptBetweenHelloAndWelcomeFollowsTheWelcome) {
  join();
  render(1);
  after(RenderFinished{{1}, kPicture, "{}"});
  EXPECT_EQ(after(HelloAsked{}), "say hello capacity 2 held 1 outbox");
  EXPECT_EQ(after(HelloAsked{}), "");  // asked for each message on its way
  EXPECT_EQ(after(ResultKept{{1}}), "put");
  EXPECT_EQ(after(BlobStored{kPicture}), "");
  EXPECT_EQ(after(Welcomed{seconds(2), seconds(15)}), "say heartbeat capacity 2; say finished 1");
}

TEST_F(AgentTest, ASilentCoordinatorIsSaidHelloTo) {
  join();
  EXPECT_EQ(agent_.wakes_at(), now_ + seconds(2));
  now_ = now_ + seconds(2);
  EXPECT_EQ(after(Ticked{"{}"}), "say heartbeat {} capacity 2");
  after(CoordinatorWasHeard{});
  now_ = now_ + seconds(2);
  EXPECT_EQ(after(Ticked{"{}"}), "say heartbeat capacity 2");  // residency unchanged
  now_ = now_ + seconds(2) + seconds(2);
  EXPECT_EQ(after(Ticked{"{}"}), "say hello capacity 2 held outbox");
  now_ = now_ + seconds(2);
  EXPECT_EQ(after(Ticked{"{}"}), "say hello capacity 2 held outbox");
}

TEST_F(AgentTest, AFullDiskEndsItsCapacityUntilThereIsRoom) {
  join();
  render(1);
  after(RenderFinished{{1}, kPicture, "{}"});
  EXPECT_EQ(after(ResultNotKept{{1}, "no space left"}),
            "say capacity 0: cannot keep results: no space left");
  EXPECT_EQ(after(assigned(2)), "say refused 2: cannot keep results: no space left");
  now_ = now_ + seconds(10);
  EXPECT_EQ(after(Ticked{""}).substr(0, 6), "keep 1");
  EXPECT_EQ(after(Welcomed{seconds(2), seconds(15)}), "say heartbeat capacity 0");
  EXPECT_EQ(after(ResultKept{{1}}), "put; say capacity 2");
}

// The word of it may come late, after a newer one.
TEST_F(AgentTest, EachHeartbeatSaysItsCapacityOnceMore) {
  join();
  render(1);
  after(RenderFinished{{1}, kPicture, "{}"});
  after(ResultNotKept{{1}, "no space left"});
  now_ = now_ + seconds(2);
  EXPECT_EQ(after(Ticked{""}), "say heartbeat capacity 0");
  after(CoordinatorWasHeard{});
  EXPECT_EQ(after(CancelAsked{{1}}), "drop 1; say capacity 2");
  now_ = now_ + seconds(2);
  EXPECT_EQ(after(Ticked{""}), "say heartbeat capacity 2");
}

TEST_F(AgentTest, AFullDiskIsForgottenWithTheLastPictureThatWaitsForRoom) {
  join();
  render(1);
  after(RenderFinished{{1}, kPicture, "{}"});
  after(ResultNotKept{{1}, "no space left"});
  EXPECT_EQ(after(CancelAsked{{1}}), "drop 1; say capacity 2");
  EXPECT_EQ(after(assigned(2)), "fetch");
}

TEST_F(AgentTest, AReferenceIsAskedForByEachJobBecauseTheCacheMayHaveLostIt) {
  join();
  render(1);
  EXPECT_EQ(after(assigned(2)), "fetch");
  EXPECT_EQ(after(ReferenceFetched{kReference}), "render 2");
}

TEST_F(AgentTest, ACancelledJobIsDroppedWhereverItIs) {
  join();
  after(assigned(1));
  EXPECT_EQ(after(CancelAsked{{1}}), "");  // its reference was on its way
  EXPECT_EQ(after(ReferenceFetched{kReference}), "");
  render(2);
  EXPECT_EQ(after(CancelAsked{{2}}), "stop 2");
  EXPECT_EQ(after(RenderFailed{{2}, FailureClass::retryable, true, "cancelled"}), "");
  render(3);
  after(CancelAsked{{3}});
  EXPECT_EQ(after(RenderFinished{{3}, kPicture, "{}"}), "drop 3");  // it was too late to stop
  render(4);
  after(RenderFinished{{4}, kPicture, "{}"});
  EXPECT_EQ(after(CancelAsked{{4}}), "");
  EXPECT_EQ(after(ResultKept{{4}}), "forget 4");
}

TEST_F(AgentTest, DrainingFinishesWhatItHoldsThenLeaves) {
  join();
  render(1);
  EXPECT_EQ(after(DrainAsked{}), "say capacity 0: draining");
  EXPECT_EQ(after(assigned(2)), "say refused 2: draining");
  after(RenderFinished{{1}, kPicture, "{}"});
  after(ResultKept{{1}});
  EXPECT_EQ(after(BlobStored{kPicture}), "say finished 1");
  EXPECT_EQ(after(Acknowledged{{1}}), "forget 1; say goodbye; leave");
}

TEST_F(AgentTest, AStopLeavesAtOnceAndKeepsTheOutbox) {
  join();
  render(1);
  EXPECT_EQ(after(StopAsked{}), "stop 1; say goodbye; leave");
  EXPECT_EQ(after(RenderFailed{{1}, FailureClass::retryable, true, ""}), "");
}

TEST_F(AgentTest, APictureFinishedInTheMomentOfTheStopIsKept) {
  join();
  render(1);
  after(StopAsked{});
  EXPECT_EQ(after(RenderFinished{{1}, kPicture, "{}"}), "keep 1");
  EXPECT_EQ(after(ResultKept{{1}}), "");
}

TEST_F(AgentTest, AReferenceThatCannotBeHadFailsItsJobs) {
  join();
  after(assigned(1));
  after(assigned(2));
  EXPECT_EQ(after(ReferenceFailed{kReference, FailureClass::job, "no such blob"}),
            "say failed 1: no such blob; say failed 2: no such blob");
}

TEST_F(AgentTest, APictureLostOnDiskIsReportedAsAFailure) {
  join();
  render(1);
  after(RenderFinished{{1}, kPicture, "{}"});
  after(ResultKept{{1}});
  EXPECT_EQ(after(BlobLost{kPicture, "damaged"}), "forget 1; say failed 1: damaged");
}

TEST_F(AgentTest, AnEarlierProcessesOutboxIsInTheFirstHello) {
  Agent again(Policy{}, {{{7}, {107}, kPicture, "{}"}}, now_);
  const Actions actions = again.step(Connected{}, now_);
  ASSERT_EQ(actions.says.size(), 1u);
  EXPECT_EQ(text(actions.says[0]), "say hello capacity 2 held outbox 7");
}

TEST_F(AgentTest, TurnedAwayItLeaves) {
  after(Connected{});
  const Actions actions = agent_.step(TurnedAway{"too old"}, now_);
  ASSERT_TRUE(actions.leave);
  EXPECT_TRUE(actions.leave->turned_away);
  EXPECT_EQ(actions.leave->why, "too old");
}

TEST_F(AgentTest, AJobWaitsForItsReferenceAndEveryLora) {
  join();
  EXPECT_EQ(after(assigned(1, {"a", "b"})), "fetch; fetch LoRAs a b");
  EXPECT_EQ(after(LoraFetched{sha256("a")}), "");
  EXPECT_EQ(after(ReferenceFetched{kReference}), "");
  EXPECT_EQ(after(LoraFetched{sha256("b")}), "render 1");
  EXPECT_EQ(after(LoraFetched{sha256("b")}), "");
  EXPECT_EQ(in_use(), "ab");
  after(RenderFinished{{1}, kPicture, "{}"});
  EXPECT_EQ(after(ResultKept{{1}}), "put");
  EXPECT_EQ(in_use(), "");
}

TEST_F(AgentTest, TheNextJobsLorasAreFetchedWhileOneRenders) {
  join();
  after(assigned(1, {"a"}));
  after(ReferenceFetched{kReference});
  EXPECT_EQ(after(LoraFetched{sha256("a")}), "render 1");
  EXPECT_EQ(after(assigned(2, {"b"})), "fetch; fetch LoRAs b");
  EXPECT_EQ(in_use(), "ab");
}

TEST_F(AgentTest, LorasAreFetchedForOneJobAfterTheOther) {
  join();
  EXPECT_EQ(after(assigned(1, {"a", "b"})), "fetch; fetch LoRAs a b");
  EXPECT_EQ(after(assigned(2, {"b", "c"})), "");
  EXPECT_EQ(in_use(), "ab");
  EXPECT_EQ(after(ReferenceFetched{kReference}), "");
  EXPECT_EQ(after(LoraFetched{sha256("b")}), "");
  EXPECT_EQ(after(LoraFetched{sha256("a")}), "render 1; fetch LoRAs b c");
  EXPECT_EQ(in_use(), "abbc");
}

TEST_F(AgentTest, ALoraThatDoesNotComeFailsItsJobAndTheNextHasItsTurn) {
  join();
  after(assigned(1, {"a"}));
  after(assigned(2, {"b"}));
  EXPECT_EQ(after(LoraFailed{sha256("a"), FailureClass::retryable, "no byte came"}),
            "fetch LoRAs b; say failed 1: no byte came");
  EXPECT_EQ(in_use(), "b");
}

TEST_F(AgentTest, AJobThatIsCancelledWhileItFetchesGivesItsTurnAway) {
  join();
  after(assigned(1, {"a"}));
  after(assigned(2, {"b"}));
  EXPECT_EQ(after(CancelAsked{{1}}), "fetch LoRAs b");
  EXPECT_EQ(after(LoraFetched{sha256("a")}), "");
  after(ReferenceFetched{kReference});
  EXPECT_EQ(after(LoraFetched{sha256("b")}), "render 2");
}

// The first has its reference already, and another asks for the same: it is told so once more.
TEST_F(AgentTest, AReferenceThatCameBeforeALoraIsAskedForAgain) {
  join();
  after(assigned(1, {"a"}));
  after(ReferenceFetched{kReference});
  EXPECT_EQ(after(assigned(2)), "fetch");
  EXPECT_EQ(after(ReferenceFetched{kReference}), "render 2");
}

}  // namespace
}  // namespace pirouette::agent
