// The loop's own promises: commit before anything goes out, and a pause is used.

#include "coordinator/runtime/loop.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace pirouette::runtime {
namespace {

core::Event hello() {
  core::WorkerSaidHello hello;
  hello.link = LinkId{1};
  hello.name = "lamp";
  hello.models = {"model"};
  hello.capacity = 1;
  return hello;
}

TEST(Loop, CommitsThenTellsThenRests) {
  std::mutex mutex;
  std::vector<std::string> did;
  std::promise<void> rested;
  const auto note = [&](const std::string& what) {
    const std::lock_guard lock(mutex);
    if (did.empty() || did.back() != what) did.push_back(what);
  };
  Outlets outlets;
  outlets.commit = [&](std::span<const core::Write>) -> Result<void> {
    note("commit");
    return {};
  };
  outlets.send = [&](std::vector<core::Send>&&) { note("send"); };
  outlets.published = [&](EventId) { note("published"); };
  outlets.rest = [&] {
    note("rest");
    rested.set_value();
  };
  Loop loop({}, {}, std::move(outlets));
  loop.post(hello());
  std::thread thread([&] { loop.run(); });
  EXPECT_EQ(rested.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  loop.stop();
  thread.join();
  EXPECT_EQ(did, (std::vector<std::string>{"commit", "send", "published", "rest"}));
}

}  // namespace
}  // namespace pirouette::runtime
