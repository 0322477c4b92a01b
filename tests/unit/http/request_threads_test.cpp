// Who serves: of the threads that sleep, the one that served last.

#include "coordinator/http/request_threads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <thread>

#include "tests/unit/http/bare_site.h"

namespace pirouette::http {
namespace {

class RequestThreadsTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kThreads = 4, kWaitingMax = 100;

  std::unique_ptr<RequestThreads> start() {
    return std::make_unique<RequestThreads>(
        kThreads, kWaitingMax, [this] { return bare_.make_serving(); }, waiting_);
  }

  BareSite bare_;
  std::atomic<std::int64_t> waiting_{0};
};

// In turn, each of the four would have a quarter.
TEST_F(RequestThreadsTest, TheOneThatServedLastIsWokenFirst) {
  const auto threads = start();
  std::map<std::thread::id, int> served;
  constexpr int kRequests = 40;
  for (int i = 0; i < kRequests; ++i) {
    std::promise<std::thread::id> who;
    ASSERT_TRUE(threads->try_add([&](Serving&) { who.set_value(std::this_thread::get_id()); }));
    ++served[who.get_future().get()];
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // it goes back to sleep
  }
  const auto most = std::ranges::max_element(
      served, {}, [](const auto& thread_and_count) { return thread_and_count.second; });
  EXPECT_GT(most->second, kRequests / 2);
}

TEST_F(RequestThreadsTest, AllServeAtOnceAndStoppingServesWhatWaits) {
  auto threads = start();
  std::promise<void> go;
  const std::shared_future<void> gone = go.get_future().share();
  std::atomic<std::size_t> serving{0}, served{0};
  for (std::size_t i = 0; i < 3 * kThreads; ++i) {
    ASSERT_TRUE(threads->try_add([&, gone](Serving&) {
      ++serving;
      gone.wait();
      ++served;
    }));
  }
  while (serving < kThreads) std::this_thread::yield();
  EXPECT_EQ(waiting_, static_cast<std::int64_t>(2 * kThreads));
  go.set_value();
  threads->stop();
  EXPECT_EQ(served, 3 * kThreads);
  EXPECT_FALSE(threads->try_add([](Serving&) {}));
}

}  // namespace
}  // namespace pirouette::http
