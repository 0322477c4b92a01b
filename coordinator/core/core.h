#pragma once
// The coordinator's mind: a pure state machine. One call takes what happened and the time, and
// returns everything that is to be done, as data. It names no clock, thread, socket, file, random
// number, hash-ordered container or floating-point number, so the same events give the same effects
// everywhere: in the farm, in the tests' transcripts and under the simulator.
//
// Owned by the runtime's loop. The caller must commit effects.writes before anything else of
// the effects leaves the process (see effect.h).

#include <map>
#include <string>

#include "common/time.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/event.h"
#include "coordinator/core/state.h"

namespace pirouette::core {

// Named limits and lengths of time. The defaults are the farm's.
struct Policy {
  Duration heartbeat = seconds(2);
  Duration lease = seconds(15);    // 7 heartbeats: a lost packet or a long collection is no loss
  std::uint32_t failures_max = 3;  // failed attempts, by any workers, end a job
  std::uint32_t losses_max = 10;   // leases lost with their workers end it too
  std::uint32_t look_ahead = 64;   // jobs of the fair order that placement looks at
  std::uint32_t overtakings_max = 16;  // times a job may be passed over for a better fit
  Duration tick = seconds(1);          // how often the core wants Ticked
  // Owners' weights where they are not kShareWeightDefault; what was used counts half after a day,
  // so that last night still counts tonight and last week hardly does.
  std::map<std::string, std::uint32_t> shares;
  Duration share_half_life = seconds(24 * 3600);
};

class Core {
 public:
  // now: when this coordinator started. Leases in the state get a whole lease length from now, so
  // that workers have time to come back.
  Core(State state, Policy policy, Instant now);
  ~Core();
  Core(Core&&) noexcept;

  Effects step(const Event& event, Instant now);
  // The same, behind what the round has already: its rows are not moved again at each event.
  void step(const Event& event, Instant now, Effects& round);

  const State& state() const;

  // A sentence for each promise of invariants.h that does not hold now: always none, or it is a bug
  // of the core. O(everything): for tests.
  std::vector<std::string> find_broken_invariants() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::core
