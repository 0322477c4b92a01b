#pragma once
// Plays a transcript against the real core and prints what the core does. A transcript is lines of
// commands, each followed by the effects it had:
//
//   submit characters=1 poses=front,back [name=N priority=P deadline=T model=M loras=A,B]
//          [owner=O idle_only=yes requires=TAG,TAG key=K content=C] [last_priority=P
//          last_views=0,2]  last_: of the last character
//   hello w1 capacity=2 models=tiny [loras=A,B tags=T device=D held=1,2]   each hello is a new
//   link: w1@1, w1@2
//   heartbeat w1 [capacity=2] | goodbye w1 | capacity w1 0 why | drain w1 | cancel 1
//   pause_batch 1 | resume 1 | priority 1 80 | cancel_sheet 1 | approve_sheet 1
//   approve 1 | reject 1 why | choose 1 2 | reroll 1 [seed=S note=N]     1 is the pose, 2 the take
//   refuse w1 1 why | progress w1 1 3/20 | fail w1 1 retryable|job|worker why
//   finish w1 1 [unstored] [job=3] [as=2]                     1 is the lease; as: 2's picture
//   assembled 1 v1 [checks=flat] | assembly_failed 1 v1 [io] why            1 is the sheet
//   advance 20s [heard=w1,w2]                                 a tick each second; the others silent
//   pause 60s                                                 stopped for so long, then a tick
//   set_back 60s                                              the clock
//   restart                                                   from the rows written so far
//
// A worker may be named with its link (w1@1) to speak as an older process. After each step the
// core's invariants are checked, and that the rows written so far give the core's State again; what
// is broken is printed as an effect.

#include <map>
#include <optional>
#include <sstream>
#include <string>

#include "coordinator/core/core.h"
#include "tests/sim/rows.h"

namespace pirouette::sim {

class Transcript {
 public:
  Transcript();

  // The whole text with its effects ("> …" lines) as they are now.
  std::string replay(const std::string& text);

 private:
  struct Command;

  void run(const Command& command);
  bool run_person(const Command& command);
  bool run_change(const Command& command);
  bool run_worker(const Command& command);
  bool run_assembly(const Command& command);
  void submit(const Command& command);
  void hello(const Command& command);
  void advance(const Command& command);
  void step(const core::Event& event);
  void print(const core::Effects& effects);
  void print(const core::LedgerRow& row);
  void print(const core::Send& message);
  void print(const core::AssembleSheet& task);
  void check();

  LinkId link_of(const std::string& worker) const;
  std::string name_of(LinkId link) const;
  std::string say(const std::string& effect);

  Instant now_;
  Rows rows_;
  std::optional<core::Core> core_;  // replaced by a restart
  std::uint64_t links_ = 0, requests_ = 0, batches_ = 0;
  std::map<std::string, LinkId> newest_link_;
  std::map<LinkId, std::string> worker_of_link_;
  std::ostringstream out_;
};

}  // namespace pirouette::sim
