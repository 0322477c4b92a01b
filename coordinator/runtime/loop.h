#pragma once
// The coordinator's heart: a round takes the events that wait, steps the core through them, commits
// everything in ONE transaction, and only then lets anything out. It never waits for a round to
// fill: while a commit is under way the next events gather, and that is the group commit.
//
// One thread runs rounds and sees to ticks. It need not be woken for every event: who brings one
// while no round runs may run the next round itself, on its own thread. So the core, and whatever a
// round touches, belong to the round, of which there is never more than one at a time.
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

// Where a round's effects go, commit first. Called on the thread that runs the round, one at a
// time; none may wait for a round.
struct Outlets {
  std::function<Result<void>(std::span<const core::Write>)> commit;
  std::function<Result<core::State>(const core::Recall&)> recall;  // as of the last commit
  std::function<void(std::vector<core::Send>&&)> send;
  std::function<void(core::Reply&&)> answer;
  std::function<void(core::AssembleSheet&&)> assemble;
  std::function<void(EventId newest)> published;
  std::function<void(std::vector<core::Progress>&&)> progressed;
  // What can wait until nothing came for a moment, after a round that committed something.
  // On the loop's thread, between rounds.
  std::function<void()> rest = [] {};
};

class Loop {
 public:
  Loop(core::State state, core::Policy policy, Outlets outlets);
  ~Loop();

  // Any thread. After stop() they are dropped.
  void post(core::Event event);
  void post(std::vector<core::Event>&& events);
  // The same for a thread that has nothing better to do than to wait for the answer: while no round
  // runs, it runs the next one, with all that waits, before this returns. It must not hold a lock
  // that an outlet wants.
  void bring(core::Event event);

  // SIGINT and SIGTERM stop the loop from now on.
  void stop_on_signals();

  // Runs until stop(); events posted before it are handled first. Once it returns, no outlet is
  // called any more.
  void run();
  void stop();  // any thread

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::runtime
