// Ten thousand workers: what they say stays a bounded rate, and nobody is given up for saying it
// seldom, because the length of a lease grows with it.

#include <gtest/gtest.h>

#include <map>

#include "coordinator/core/core.h"

namespace pirouette::core {
namespace {

constexpr std::uint64_t kWorkers = 10'000;
constexpr std::int64_t kWordsASecondMax = 1'000;

class Crowd {
 public:
  void join(std::uint64_t link) {
    WorkerSaidHello hello;
    hello.link = {link};
    hello.name = "w" + std::to_string(link);
    hello.capacity = 1;
    hello.models = {"m"};
    step(hello);
  }

  // Everybody speaks as they were told to. Returns how many words came.
  std::int64_t live_through(Duration length) {
    std::int64_t words = 0;
    for (const Instant end = now_ + length; now_ < end; now_ = now_ + seconds(1)) {
      for (auto& [link, worker] : workers_) {
        if (now_ < worker.speaks_at) continue;
        worker.speaks_at = now_ + worker.heartbeat;
        step(WorkerWasHeard{link, ""});
        ++words;
      }
      step(Ticked{});
    }
    return words;
  }

  Duration heartbeat(std::uint64_t link) const { return workers_.at({link}).heartbeat; }
  Duration lease(std::uint64_t link) const { return workers_.at({link}).lease; }
  std::size_t online() const {
    std::size_t count = 0;
    for (const auto& [id, row] : core_.state().workers) {
      count += row.state == WorkerState::online ? 1 : 0;
    }
    return count;
  }

 private:
  struct Told {
    Duration heartbeat, lease;
    Instant speaks_at;
  };

  void step(const Event& event) {
    const Effects effects = core_.step(event, now_);
    for (const Send& send : effects.sends) {
      const auto* welcome = std::get_if<SendWelcome>(&send);
      if (!welcome) continue;
      Told& worker = workers_[welcome->link];
      worker.heartbeat = welcome->heartbeat;
      worker.lease = welcome->lease;
    }
  }

  Instant now_{1'767'225'600'000'000};
  Core core_{State{}, Policy{}, now_};
  std::map<LinkId, Told> workers_;
};

TEST(Pace, AFewWorkersSpeakAsOftenAsTheAdminSaid) {
  Crowd crowd;
  for (std::uint64_t link = 1; link <= 100; ++link) crowd.join(link);
  EXPECT_EQ(crowd.heartbeat(100), Policy{}.heartbeat);
  EXPECT_EQ(crowd.lease(100), Policy{}.lease);
}

TEST(Pace, TenThousandWorkersSpeakNoMoreThanAThousandTimesASecond) {
  Crowd crowd;
  for (std::uint64_t link = 1; link <= kWorkers; ++link) crowd.join(link);
  crowd.live_through(seconds(50));  // those who came first are told anew, some each second
  EXPECT_EQ(crowd.heartbeat(kWorkers), seconds(10));
  EXPECT_GT(crowd.heartbeat(1), Policy{}.heartbeat);
  EXPECT_EQ(crowd.lease(kWorkers).us, Policy{}.lease.us * 5) << "it grows as the interval does";
  const std::int64_t words = crowd.live_through(seconds(20));
  // A quarter of slack before anybody is told anew.
  EXPECT_LE(words, kWordsASecondMax * 20 * 4 / 3);
  EXPECT_EQ(crowd.online(), kWorkers);
}

}  // namespace
}  // namespace pirouette::core
