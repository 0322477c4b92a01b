// Whoever reads a lease from the socket of an idle worker renders it, and nobody is woken for it.

#include "worker/link/renderer.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

#include "tests/unit/link/farm.h"

namespace pirouette::test {
namespace {

using namespace std::chrono_literals;

// Says on which threads it was called, and renders for as long as the test wants.
class WatchedEngine : public engine::NoopEngine {
 public:
  WatchedEngine() : NoopEngine(some_bytes(100)) {}

  engine::RenderOutcome render(const RenderSpec& spec, const std::vector<std::uint8_t>& reference,
                               const engine::ProgressFn& progress) override {
    rendered_by = std::this_thread::get_id();
    began.set_value();
    may_end.get_future().wait();
    return NoopEngine::render(spec, reference, progress);
  }
  std::string residency() const override {
    asked_by = std::this_thread::get_id();
    return NoopEngine::residency();
  }

  std::atomic<std::thread::id> rendered_by{};
  mutable std::atomic<std::thread::id> asked_by{};
  std::promise<void> began, may_end;
};

class IdleRenderer : public ::testing::Test {
 protected:
  void start_one() { renderer.start(LeaseId{1}, some_spec(reference)); }
  bool has_begun() { return began.wait_for(1500ms) == std::future_status::ready; }

  Folder folder;
  const Digest reference = Blobs::open(folder.path()).value().put(some_bytes(1000)).value();
  link::ReferenceCache cache = link::ReferenceCache::open(folder.path(), 1 << 20).value();
  link::Mailbox mailbox;
  WatchedEngine engine;
  std::future<void> began = engine.began.get_future();
  link::Renderer renderer{engine, cache, mailbox};
};

TEST_F(IdleRenderer, RendersItselfWhatItWasToldToStart) {
  std::thread::id told;
  renderer.while_idle([&] {
    told = std::this_thread::get_id();
    EXPECT_TRUE(renderer.is_idle());
    start_one();
    EXPECT_FALSE(renderer.is_idle());
  });
  EXPECT_TRUE(has_begun());  // and its caller goes on meanwhile
  EXPECT_NE(told, std::this_thread::get_id());
  EXPECT_EQ(told, engine.rendered_by.load());
  engine.may_end.set_value();
}

TEST_F(IdleRenderer, IsNotDisturbedWhileItRenders) {
  start_one();
  EXPECT_TRUE(has_begun());
  EXPECT_FALSE(renderer.is_idle());
  renderer.while_idle([] { ADD_FAILURE() << "it renders"; });
  engine.may_end.set_value();
}

TEST_F(IdleRenderer, PassesOnWhatIsThrown) {
  EXPECT_THROW(renderer.while_idle([] { throw std::runtime_error("the socket is gone"); }),
               std::runtime_error);
  start_one();
  EXPECT_TRUE(has_begun());
  engine.may_end.set_value();
}

// The heartbeats of an idle worker ask for the residency, on the thread that reads its socket.
TEST(IdleWorker, TheThreadThatRendersReadsTheSocket) {
  Coordinator coordinator;
  const Digest reference = coordinator.blobs().put(some_bytes(1000)).value();
  WatchedEngine engine;
  std::future<void> began = engine.began.get_future();
  Folder folder;
  Worker worker(coordinator, folder.path(), engine, "", 0);
  const auto heartbeats = [](std::size_t count) {
    return [count](EchoCore& core) { return core.all<core::WorkerWasHeard>().size() >= count; };
  };
  ASSERT_TRUE(coordinator.core.wait_until(heartbeats(4)));
  const std::thread::id reads = engine.asked_by;
  coordinator.core.add_job(1, some_spec(reference));
  EXPECT_EQ(began.wait_for(1500ms), std::future_status::ready);
  EXPECT_EQ(engine.rendered_by.load(), reads);

  // While it renders, another one does.
  std::size_t before = 0;
  coordinator.core.wait_until([&](EchoCore& core) {
    before = core.all<core::WorkerWasHeard>().size();
    return true;
  });
  EXPECT_TRUE(coordinator.core.wait_until(heartbeats(before + 3)));
  EXPECT_NE(engine.asked_by.load(), reads);
  engine.may_end.set_value();
}

}  // namespace
}  // namespace pirouette::test
