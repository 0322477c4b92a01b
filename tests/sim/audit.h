#pragma once
// What must hold at every moment of a run, whatever happens:
//
//   1. The core's own promises (Core::find_broken_invariants), after each step.
//   2. What was committed gives the core's State again; and what the database gives back, at each
//      start and now and then between, is what was committed: all of it, and a commit that was cut
//      off wholly or not at all.
//   3. A job that is done or cancelled stays so, with one accepted result; and that is a picture
//      that was rendered for it.
//   4. What anyone was told stays true after each crash: results that were acknowledged, batches
//      that were submitted. A worker forgets no picture before that.
//   5. A lease's number is given once, and no worker is given more than it takes or what it cannot
//      render.
//   6. In a calm farm no worker is given up, and no job is taken from one that is well.
//   7. A picture is turned away as not rendered only where it came in less than an eighth of what
//      some job took that was accepted.
// And at the end (expect_peace): each job ended, each finished picture counted or was not wanted.
//
// Keeps its own account of the rows (rows.h) and throws Broken where they differ.

#include <map>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "coordinator/core/core.h"
#include "coordinator/store/store.h"
#include "tests/sim/rows.h"

namespace pirouette::sim {

struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The kinds of devices; their pictures of one order differ.
inline constexpr int kDeviceKinds = 2;
Digest picture_of(const RenderSpec& spec, int device);

class Audit {
 public:
  // first_lease: what a farm's first lease would be numbered.
  explicit Audit(LeaseId first_lease) : first_lease_(first_lease) {}

  // --- of the coordinator
  void started(store::Store& store, const core::State& loaded);
  void stepped(const core::Core& core, const core::Event& event, const core::Effects& effects);
  void committing(std::span<const core::Write> writes);
  void committed();
  void compare(const core::Core& core) const;
  void compare(store::Store& store) const;
  void sends(const core::Send& send);
  void replies(const core::Reply& reply, const std::string& key);

  // --- of the workers
  void kept(LeaseId lease, JobId job) { kept_[lease] = job; }
  void lost(LeaseId lease) { kept_.erase(lease); }
  void forgets(LeaseId lease) const;
  // Somebody who lies may speak for any lease: its picture then counts as one of the lease's job,
  // not of any other, and the answer makes it forget what it has under that lease.
  void lied(LeaseId lease, JobId job, const Digest& result) {
    const auto given = rows_.leases.find(lease);
    if (given != rows_.leases.end() && given->second.job == job) lies_.insert({job, result});
    lied_about_.insert(lease);
  }

  // From then on nothing goes wrong, so nobody is to be given up; nor is any job taken from its
  // worker, unless there is an engine that hangs.
  void expect_calm(bool an_engine_hangs) {
    calm_ = true;
    may_hang_ = an_engine_hangs;
  }
  // Nothing is left to do.
  void expect_peace() const;

  const Rows& rows() const { return rows_; }
  std::uint64_t done() const { return accepted_.size(); }

 private:
  core::State expected(const Rows& rows) const;
  void compare(store::Store& store, const std::string& found) const;
  void apply(const std::vector<core::Write>& writes);
  void note(const core::Write& write);
  void check_result(const core::Job& job) const;
  void check_told() const;
  // Of a cancelled batch no picture is wanted any more.
  bool is_settled(JobId job) const;
  void check_assignment(const core::SendAssign& send, const core::State& state);
  void check_turned_away(const core::LeaseFinished& event, const core::Effects& effects);

  const LeaseId first_lease_;
  bool calm_ = false, may_hang_ = false;
  Rows rows_;
  std::vector<core::Write> under_way_;  // of the commit that runs, or was cut off
  std::set<JobId> accepted_;
  std::map<LeaseId, JobId> given_;  // leases that anybody was told of
  std::set<JobId> acknowledged_;    // so their workers have forgotten them
  std::set<LeaseId> answered_;      // likewise as duplicates, or told to be dropped
  std::map<std::string, BatchId> submitted_;
  std::map<LeaseId, JobId> kept_;
  std::set<std::pair<JobId, Digest>> lies_;
  std::set<LeaseId> lied_about_;
  std::set<LeaseId> turned_away_;  // their pictures came too fast to have been rendered
  Duration longest_;               // of the jobs that were accepted

  struct Link {
    WorkerId worker;
    std::uint32_t capacity = 0;
    std::map<LeaseId, JobId> held;
    std::vector<std::string> models, loras, tags;
  };
  static void check_able(const Link& link, const core::SendAssign& send, const Recipe& recipe);
  std::map<LinkId, Link> links_;
};

}  // namespace pirouette::sim
