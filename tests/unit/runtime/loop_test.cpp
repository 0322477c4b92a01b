// The loop's own promises: commit before anything goes out, a pause is used, and who brings an
// event may run the round without breaking any of that.

#include "coordinator/runtime/loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <future>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace pirouette::runtime {
namespace {

using std::chrono::milliseconds;

core::Event hello(std::uint64_t link = 1) {
  core::WorkerSaidHello hello;
  hello.link = LinkId{link};
  hello.name = "lamp " + std::to_string(link);
  hello.models = {"model"};
  hello.capacity = 1;
  return hello;
}

// Is answered: there is no such worker.
core::Event question(std::uint64_t request) {
  return core::WorkerDrainRequested{RequestId{request}, WorkerId{1'000'000}};
}

// A worker that is silent is lost soon.
core::Policy hasty() {
  core::Policy policy;
  policy.tick = pirouette::milliseconds(20);
  policy.heartbeat = pirouette::milliseconds(20);
  policy.lease = pirouette::milliseconds(200);
  return policy;
}

// A loop, and all that its outlets were called for, by whom.
class LoopTest : public testing::Test {
 protected:
  struct Deed {
    std::string what;
    std::thread::id who;
  };

  ~LoopTest() override { stop(); }

  Outlets outlets() {
    Outlets outlets;
    outlets.commit = [this](std::span<const core::Write>) -> Result<void> {
      note("commit");
      EXPECT_FALSE(busy_.exchange(true)) << "a commit in the middle of another round";
      on_commit_();
      std::this_thread::yield();
      busy_ = false;
      return {};
    };
    outlets.send = [this](std::vector<core::Send>&&) { note("send"); };
    outlets.answer = [this](core::Reply&& reply) {
      note("answer");
      const std::lock_guard lock(mutex_);
      answered_.push_back(reply.request.value);
    };
    outlets.published = [this](EventId) { note("published"); };
    outlets.rest = [this] { note("rest"); };
    return outlets;
  }

  void start() {
    thread_ = std::thread([this] {
      loop_.run();
      note("ran");
    });
  }
  void stop() {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }

  // Two outlets at once would be two rounds at once.
  void note(const std::string& what) {
    const bool alone = !busy_.exchange(true);
    EXPECT_TRUE(alone) << what << " in the middle of another round";
    {
      const std::lock_guard lock(mutex_);
      deeds_.push_back({what, std::this_thread::get_id()});
    }
    changed_.notify_all();
    if (alone) busy_ = false;
  }

  bool wait_for(const std::string& what, std::size_t times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      return static_cast<std::size_t>(std::ranges::count(deeds_, what, &Deed::what)) >= times;
    });
  }

  std::vector<Deed> deeds() {
    const std::lock_guard lock(mutex_);
    return deeds_;
  }
  std::vector<std::string> done() {
    std::vector<std::string> words;
    for (const Deed& deed : deeds()) words.push_back(deed.what);
    return words;
  }

  // Brings hellos until no other round was in the way of one. What was done for that one.
  std::vector<Deed> bring_undisturbed() {
    for (std::uint64_t link = 1; link <= 1000; ++link) {
      const std::size_t before = deeds().size();
      loop_.bring(hello(link));
      std::vector<Deed> since = deeds();
      since.erase(since.begin(), since.begin() + static_cast<std::ptrdiff_t>(before));
      if (!since.empty() && since.front().who == std::this_thread::get_id()) return since;
      wait_for("published", link);
    }
    return {};
  }

  std::function<void()> on_commit_ = [] {};
  std::atomic<bool> busy_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Deed> deeds_;
  std::vector<std::uint64_t> answered_;
  Loop loop_{{}, hasty(), outlets()};
  std::thread thread_;
};

TEST_F(LoopTest, CommitsThenTellsThenRests) {
  loop_.post(hello());
  start();
  ASSERT_TRUE(wait_for("rest"));
  const auto words = done();
  EXPECT_EQ(std::vector(words.begin(), words.begin() + 4),
            (std::vector<std::string>{"commit", "send", "published", "rest"}));
}

TEST_F(LoopTest, WhoBringsAnEventToAnIdleLoopDoesItAllBeforeItGoesOn) {
  start();
  const auto mine = bring_undisturbed();
  std::vector<std::string> words;
  for (const Deed& deed : mine) {
    EXPECT_EQ(deed.who, std::this_thread::get_id());
    words.push_back(deed.what);
  }
  EXPECT_EQ(words, (std::vector<std::string>{"commit", "send", "published"}));
}

// Nobody but the loop's own clock wakes it: the worker is missed, and the pause is used.
TEST_F(LoopTest, TicksAndRestsComeWhenOnlyCallersRanRounds) {
  start();
  ASSERT_FALSE(bring_undisturbed().empty());
  const std::size_t rounds = deeds().size();
  EXPECT_TRUE(wait_for("rest"));
  std::unique_lock lock(mutex_);
  EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(10), [&] {
    return std::count_if(deeds_.begin() + static_cast<std::ptrdiff_t>(rounds), deeds_.end(),
                         [](const Deed& deed) { return deed.what == "published"; }) > 0;
  })) << "the lost worker";
}

TEST_F(LoopTest, ATickThatIsDueWaitsForTheCallersRoundAndComesThen) {
  std::atomic<int> commits{0};
  on_commit_ = [&] {
    if (commits++ == 0) std::this_thread::sleep_for(milliseconds(300));  // many ticks long
  };
  start();
  ASSERT_FALSE(bring_undisturbed().empty());
  EXPECT_TRUE(wait_for("published", 2)) << "the worker is lost, by a tick";
}

TEST_F(LoopTest, ManyCallersAreServedOneAfterTheOtherAndNoneIsForgotten) {
  start();
  constexpr std::uint64_t kThreads = 6, kTimes = 300;
  std::vector<std::thread> callers;
  for (std::uint64_t caller = 0; caller < kThreads; ++caller) {
    callers.emplace_back([this, caller] {
      for (std::uint64_t time = 1; time <= kTimes; ++time) {
        const std::uint64_t number = caller * kTimes + time;
        if (time % 3 == 0) loop_.post(hello(number));
        if (time % 2 == 0) {
          loop_.post(question(number));
        } else {
          loop_.bring(question(number));
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  ASSERT_TRUE(wait_for("answer", kThreads * kTimes));
  stop();
  std::ranges::sort(answered_);
  ASSERT_EQ(answered_.size(), kThreads * kTimes);
  for (std::uint64_t n = 1; n <= kThreads * kTimes; ++n) EXPECT_EQ(answered_[n - 1], n);
}

TEST_F(LoopTest, WhatOneThreadGivesIsHandledInOrder) {
  start();
  constexpr std::uint64_t kQuestions = 500;
  for (std::uint64_t n = 1; n <= kQuestions; ++n) {
    n % 3 == 0 ? loop_.post(question(n)) : loop_.bring(question(n));
  }
  ASSERT_TRUE(wait_for("answer", kQuestions));
  stop();
  ASSERT_EQ(answered_.size(), kQuestions);
  EXPECT_TRUE(std::ranges::is_sorted(answered_));
}

TEST_F(LoopTest, BeforeItRunsWhatIsBroughtWaits) {
  loop_.bring(hello());
  EXPECT_TRUE(deeds().empty());
  start();
  EXPECT_TRUE(wait_for("published"));
}

TEST_F(LoopTest, RunReturnsAfterTheRoundOfACaller) {
  std::promise<void> in_round, go_on;
  std::shared_future<void> may_go_on = go_on.get_future().share();
  std::thread::id caller_id;
  std::atomic<bool> held{false};
  on_commit_ = [&] {
    if (std::this_thread::get_id() != caller_id || held.exchange(true)) return;
    in_round.set_value();
    may_go_on.wait();
  };
  start();
  std::thread caller([&] {
    caller_id = std::this_thread::get_id();
    bring_undisturbed();
  });
  in_round.get_future().wait();
  loop_.stop();
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_NE(done().back(), "ran");
  go_on.set_value();
  thread_.join();
  caller.join();
  EXPECT_EQ(done().back(), "ran");
}

// Not whoever brought the event is told of it: memory is ahead of the disk.
TEST_F(LoopTest, ARoundThatThrowsEndsTheProcessOnAnyThread) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto bring_to_a_broken_loop = [this] {
    on_commit_ = [] { throw std::runtime_error("no memory left"); };
    start();
    try {
      loop_.bring(hello());
    } catch (const std::exception&) {
    }
    wait_for("published");
    std::_Exit(0);
  };
  EXPECT_EXIT(bring_to_a_broken_loop(), testing::ExitedWithCode(70), "no memory left");
}

TEST_F(LoopTest, AfterStopWhatIsBroughtIsDropped) {
  start();
  ASSERT_FALSE(bring_undisturbed().empty());
  stop();
  const std::size_t before = deeds().size();
  loop_.bring(hello(5000));
  loop_.post(hello(5001));
  EXPECT_EQ(deeds().size(), before);
}

}  // namespace
}  // namespace pirouette::runtime
