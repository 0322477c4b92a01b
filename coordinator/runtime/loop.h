#pragma once
// The coordinator's heart: one thread that takes the events that wait, steps the core through them,
// commits everything in ONE transaction, and only then lets anything out. It never waits for a
// round to fill: while a commit is under way the next events gather, and that is the group commit.
//
// A commit that fails ends the process loudly, because memory must never lead the disk: what was
// not durable was told to nobody, and a new start reads back what was.

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "common/result.h"
#include "coordinator/core/core.h"

namespace pirouette::runtime {

// A transaction holds about this many changed rows at most (some 125 jobs done and leased anew);
// past it, what is there is committed and let out first. Measured against 300: eight busy workers
// cost an eighth less processor time a job and a quarter fewer syncs. A single event's writes are
// never split.
inline constexpr std::size_t kRoundMaxWrites = 1000;

// Where a round's effects go. Called on the loop's thread, commit first.
struct Outlets {
  std::function<Result<void>(std::span<const core::Write>)> commit;
  std::function<Result<core::State>(const core::Recall&)> recall;  // as of the last commit
  std::function<void(std::vector<core::Send>&&)> send;
  std::function<void(core::Reply&&)> answer;
  std::function<void(core::AssembleSheet&&)> assemble;
  std::function<void(EventId newest)> published;
  std::function<void(std::vector<core::Progress>&&)> progressed;
  // What can wait until nothing came for a moment, after a round that committed something.
  std::function<void()> rest = [] {};
};

class Loop {
 public:
  Loop(core::State state, core::Policy policy, Outlets outlets);
  ~Loop();

  // Any thread. After stop() they are dropped.
  void post(core::Event event);
  void post(std::vector<core::Event>&& events);

  // SIGINT and SIGTERM stop the loop from now on.
  void stop_on_signals();

  // Runs until stop(); events posted before it are handled first.
  void run();
  void stop();  // any thread

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::runtime
