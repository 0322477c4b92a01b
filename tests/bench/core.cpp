// How fast the core thinks: a batch of 100,000 jobs is submitted, and 64 workers of two slots drain
// it with jobs that take no time. Prints rates by processor time, so that a busy machine does not
// blur them; asserts nothing. The core is one thread of the farm's several, so it must be many
// times faster than the disk (some 25,000 jobs a second).
//
//   bench_core [jobs] [workers]

#include "coordinator/core/core.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <deque>

namespace pirouette::core {
namespace {

constexpr std::size_t kViews = 6;

class Drain {
 public:
  void submit(std::size_t jobs) {
    BatchSubmitted event;
    event.batch.name = "bench";
    event.batch.recipe.model = "noop";
    event.batch.recipe.prompt = "{view}, {triggers}";
    for (std::size_t i = 0; i < kViews; ++i) {
      event.batch.recipe.views.push_back({"v" + std::to_string(i), 0, "view", "", "front", "left"});
    }
    for (std::size_t i = 0; i < jobs / kViews; ++i) {
      const std::string character = "character" + std::to_string(i);
      event.batch.sheets.push_back({character, sha256(character), "", std::nullopt});
    }
    step(event);
  }

  void connect(std::size_t workers) {
    for (std::size_t i = 1; i <= workers; ++i) {
      WorkerSaidHello hello;
      hello.link = {i};
      hello.name = "worker" + std::to_string(i);
      hello.capacity = 2;
      hello.models = {"noop"};
      step(hello);
    }
  }

  std::size_t run() {
    std::size_t done = 0;
    while (!assigned_.empty()) {
      const SendAssign assign = std::move(assigned_.front());
      assigned_.pop_front();
      step(LeaseFinished{assign.link, assign.lease, assign.job, picture_, "{}", true});
      ++done;
    }
    return done;
  }

  std::size_t steps() const { return steps_; }
  std::size_t jobs_left() const { return core_.state().jobs.size(); }

 private:
  void step(const Event& event) {
    ++steps_;
    now_ = now_ + Duration{10};
    Effects effects = core_.step(event, now_);
    for (Send& send : effects.sends) {
      if (auto* assign = std::get_if<SendAssign>(&send)) assigned_.push_back(std::move(*assign));
    }
    for (const AssembleSheet& task : effects.tasks) {
      step(SheetAssembled{task.sheet, task.version, picture_, picture_, "[]"});
    }
  }

  Instant now_{1'767'225'600'000'000};
  Core core_{State{}, Policy{}, now_};
  std::deque<SendAssign> assigned_;
  const Digest picture_ = sha256("picture");
  std::size_t steps_ = 0;
};

}  // namespace
}  // namespace pirouette::core

int main(int argc, char** argv) {
  const std::size_t jobs = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000;
  const std::size_t workers = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 64;

  pirouette::core::Drain drain;
  const auto start = std::clock();
  drain.submit(jobs);
  const auto submitted = std::clock();
  drain.connect(workers);
  const auto connected = std::clock();
  const std::size_t steps_before = drain.steps();
  const std::size_t done = drain.run();
  const auto drained = std::clock();

  const auto per_second = [](std::size_t count, std::clock_t time) {
    return static_cast<double>(count) * CLOCKS_PER_SEC / static_cast<double>(time);
  };
  std::printf("submit %zu jobs: %.0f jobs/s\n", jobs, per_second(jobs, submitted - start));
  std::printf("drain by %zu workers: %.0f jobs/s, %.0f steps/s, %zu jobs left in memory\n", workers,
              per_second(done, drained - connected),
              per_second(drain.steps() - steps_before, drained - connected), drain.jobs_left());
  return done > 0 && drain.jobs_left() == 0 ? 0 : 1;
}
