// The device goes from one job straight to the next: the end of one picture and the beginning of
// the next job happen beside the one that renders.

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/unit/link/farm.h"

namespace pirouette::test {
namespace {

using namespace std::chrono_literals;

// Says what it does, by the seeds of the jobs, and waits for what the test wants to happen first.
class TwoPartEngine : public engine::NoopEngine {
 public:
  TwoPartEngine() : NoopEngine(some_bytes(100)) {}

  std::variant<engine::RenderOutcome, engine::FinishFn> render_pixels(
      const RenderSpec& spec, const std::vector<std::uint8_t>&,
      const engine::ProgressFn& progress) override {
    happens("render", spec.seed);
    if (on_render) on_render(spec.seed);
    if (!progress(1, 1)) {
      return engine::RenderOutcome{engine::RenderError{engine::Failure::retryable, true, "stop"}};
    }
    return [this, seed = spec.seed] {
      happens("finish", seed);
      if (on_finish) on_finish(seed);
      return engine::RenderOutcome{
          engine::Rendering{some_bytes(100, static_cast<std::uint32_t>(seed)), "{}"}};
    };
  }
  bool has_to_prepare() const override { return prepares; }
  void prepare(const RenderSpec& spec, const std::vector<std::uint8_t>& reference) override {
    prepared_bytes = reference.size();
    happens("prepare", spec.seed);
  }

  // Whether it happened in time.
  bool wait_for(const std::string& what, std::uint64_t seed) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 1500ms, [&] { return happened_.contains({what, seed}); });
  }
  bool has(const std::string& what, std::uint64_t seed) {
    const std::lock_guard lock(mutex_);
    return happened_.contains({what, seed});
  }

  std::function<void(std::uint64_t seed)> on_render, on_finish;
  bool prepares = false;
  std::atomic<std::size_t> prepared_bytes = 0;

 private:
  void happens(const std::string& what, std::uint64_t seed) {
    const std::lock_guard lock(mutex_);
    happened_.insert({what, seed});
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::pair<std::string, std::uint64_t>> happened_;
};

class Overlap : public ::testing::Test {
 protected:
  void add_jobs(std::uint64_t count) {
    for (std::uint64_t job = 1; job <= count; ++job)
      coordinator.core.add_job(job, some_spec(reference, job));
  }
  bool are_done(std::size_t count) {
    return coordinator.core.wait_until([&](EchoCore& core) { return core.done.size() == count; },
                                       5s);
  }

  Coordinator coordinator;
  const Digest reference = coordinator.blobs().put(some_bytes(1000)).value();
  TwoPartEngine engine;
  Folder folder;
};

TEST_F(Overlap, ASlowEndDoesNotHoldUpTheNextJob) {
  std::atomic<bool> next_began = false;
  engine.on_finish = [&](std::uint64_t seed) {
    if (seed == 1) next_began = engine.wait_for("render", 2);
  };
  Worker worker(coordinator, folder.path(), engine, "", 1);
  add_jobs(2);
  EXPECT_TRUE(are_done(2));
  EXPECT_TRUE(next_began);
}

TEST_F(Overlap, OnePictureIsBehindAndNotTwo) {
  std::atomic<bool> second_waited = false;
  engine.on_finish = [&](std::uint64_t seed) {
    if (seed != 1 || !engine.wait_for("render", 2)) return;
    std::this_thread::sleep_for(100ms);
    second_waited = !engine.has("finish", 2) && !engine.has("render", 3);
  };
  Worker worker(coordinator, folder.path(), engine, "", 3);
  add_jobs(4);
  EXPECT_TRUE(are_done(4));
  EXPECT_TRUE(second_waited);
}

TEST_F(Overlap, TheNextJobIsPreparedWhileOneRenders) {
  engine.prepares = true;
  std::atomic<bool> was_prepared = false;
  engine.on_render = [&](std::uint64_t seed) {
    if (seed == 1) was_prepared = engine.wait_for("prepare", 2);
  };
  Worker worker(coordinator, folder.path(), engine, "", 1);
  add_jobs(2);
  EXPECT_TRUE(are_done(2));
  EXPECT_TRUE(was_prepared);
  EXPECT_EQ(engine.prepared_bytes, 1000u);
  EXPECT_FALSE(engine.has("prepare", 1));  // there was nothing to do it beside
}

// Law 3: what is rendered when the worker is stopped is handed in by its next start.
TEST_F(Overlap, APictureThatIsBehindOutlivesAStop) {
  engine.on_finish = [&](std::uint64_t) { std::this_thread::sleep_for(200ms); };
  {
    Worker worker(coordinator, folder.path(), engine, "", 0);
    add_jobs(1);
    ASSERT_TRUE(engine.wait_for("finish", 1));
    EXPECT_TRUE(worker.stop().ok());
  }
  EXPECT_TRUE(coordinator.core.wait_until([](EchoCore& core) { return core.done.empty(); }));
  Worker again(coordinator, folder.path(), engine, "", 0);
  EXPECT_TRUE(are_done(1));
}

TEST_F(Overlap, AnEndThatThrowsFailsItsJobOnly) {
  engine.on_finish = [&](std::uint64_t seed) {
    if (seed == 1) throw std::runtime_error("no PNG today");
  };
  Worker worker(coordinator, folder.path(), engine, "", 1);
  add_jobs(2);
  std::vector<core::LeaseFailed> failed;
  EXPECT_TRUE(coordinator.core.wait_until([&](EchoCore& core) {
    failed = core.all<core::LeaseFailed>();
    return failed.size() == 1 && core.done.contains(2);
  }));
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_NE(failed[0].message.find("no PNG today"), std::string::npos);
}

TEST_F(Overlap, AJobCancelledWhileItIsBehindIsNotHandedIn) {
  engine.on_finish = [&](std::uint64_t) { std::this_thread::sleep_for(200ms); };
  Worker worker(coordinator, folder.path(), engine, "", 0);
  add_jobs(1);
  ASSERT_TRUE(engine.wait_for("finish", 1));
  coordinator.core.send(core::SendCancel{coordinator.core.newest_link, {1}});
  EXPECT_TRUE(worker.drain().ok());
  EXPECT_FALSE(coordinator.core.wait_until(
      [](EchoCore& core) { return !core.all<core::LeaseFinished>().empty(); }, 50ms));
}

}  // namespace
}  // namespace pirouette::test
