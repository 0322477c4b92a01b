#pragma once
// The people of a run: they submit batches, and change their minds about them. Whoever submits says
// so again, under the same key, until there is an answer; of everything else the first answer or
// none is good enough.

#include <map>
#include <string>

#include "tests/sim/audit.h"
#include "tests/sim/coordinator_process.h"

namespace pirouette::sim {

class Studio {
 public:
  Studio(Timeline& time, Weather& weather, Trace& trace, Audit& audit,
         CoordinatorProcess& coordinator);

  // One thing that somebody does.
  void act();
  void hear(const core::Reply& reply);
  // Nothing is paused any more, and nothing waits for a proof that failed.
  void resume_all();

  bool is_answered() const { return unanswered_.empty(); }

 private:
  void submit();
  void say(const std::string& key);
  void change_pose();
  void change_batch();
  void reroll_failed_proofs();
  void ask(core::Event event);
  RequestId next_request() { return {++requests_}; }

  Timeline& time_;
  Weather& weather_;
  Trace& trace_;
  Audit& audit_;
  CoordinatorProcess& coordinator_;
  std::uint64_t requests_ = 0, keys_ = 0;
  std::map<std::string, core::BatchSubmitted> unanswered_;  // by key
  std::map<RequestId, std::string> asked_;                  // which key a request is about
};

}  // namespace pirouette::sim
