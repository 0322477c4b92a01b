// Who watches the front door, and who serves.

#include "coordinator/http/watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <future>
#include <set>
#include <thread>
#include <utility>

#include "tests/unit/http/bare_site.h"

namespace pirouette::http {
namespace {

class WatchTest : public ::testing::Test {
 protected:
  WatchTest() { watch_.start(); }
  ~WatchTest() override {
    io_.stop();
    watch_.join();
  }

  // As a connection whose request has come; who reads it, and whether it serves it too.
  std::pair<std::thread::id, bool> read(Watch::Task request) {
    std::promise<std::pair<std::thread::id, bool>> said;
    boost::asio::post(io_, [&] {
      const bool taken = watch_.try_take(request);
      said.set_value({std::this_thread::get_id(), taken});
    });
    return said.get_future().get();
  }

  // Reads until one is taken: who served the last one may not be asleep yet.
  std::thread::id read_until_taken(const Watch::Task& request) {
    while (true) {
      const auto [who, taken] = read(request);
      if (taken) return who;
      std::this_thread::yield();
    }
  }

  BareSite bare_;
  boost::asio::io_context io_{1};
  Watch watch_{io_, bare_.make_serving(), bare_.make_serving()};
};

TEST_F(WatchTest, WhoReadARequestServesIt) {
  for (int i = 0; i < 200; ++i) {
    std::promise<std::thread::id> served;
    const auto reader =
        read_until_taken([&](Serving&) { served.set_value(std::this_thread::get_id()); });
    EXPECT_EQ(served.get_future().get(), reader);
  }
}

TEST_F(WatchTest, WhileOneServesTheOtherWatchesAndTakesNothing) {
  std::promise<void> go;
  const std::shared_future<void> gone = go.get_future().share();
  std::promise<void> served;
  const auto server = read_until_taken([&, gone](Serving&) {
    gone.wait();
    served.set_value();
  });
  std::set<std::thread::id> watchers;
  for (int i = 0; i < 50; ++i) {
    const auto [who, taken] = read([](Serving&) { ADD_FAILURE() << "nobody watches now"; });
    EXPECT_FALSE(taken);
    watchers.insert(who);
  }
  EXPECT_EQ(watchers.size(), 1u);
  EXPECT_FALSE(watchers.contains(server));
  go.set_value();
  served.get_future().wait();
  read_until_taken([](Serving&) {});  // it may sleep now, and so another one is taken
}

TEST_F(WatchTest, TakingNoMoreWaitsForWhatWasTaken) {
  std::promise<void> go;
  const std::shared_future<void> gone = go.get_future().share();
  std::atomic<bool> served{false};
  read_until_taken([&, gone](Serving&) {
    gone.wait();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    served = true;
  });
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    go.set_value();
  });
  watch_.take_no_more();
  EXPECT_TRUE(served);
  later.join();
  EXPECT_FALSE(read([](Serving&) { ADD_FAILURE() << "it takes no more"; }).second);
}

TEST_F(WatchTest, ItEndsWhileOneServes) {
  std::atomic<bool> served{false};
  read_until_taken([&](Serving&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    served = true;
  });
  io_.stop();
  watch_.join();
  EXPECT_TRUE(served);
}

}  // namespace
}  // namespace pirouette::http
