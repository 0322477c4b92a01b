#pragma once
// How much of the farm each owner had, for their weight: who had least goes first among jobs of one
// priority. What was used long ago counts less: it is halved every half-life, so that a studio that
// rendered all last week is not kept waiting for another week.
//
// Nothing is decayed one by one. Instead use counts more the later it happens: a second used now
// weighs (1 + f) * 2^e for e whole half-lives and the fraction f of the next since the base. (A
// straight line between the powers of two: at most 6 % off, and it never steps.) Once e grows,
// everything is divided by it. So an owner's place changes only when that owner uses something.
//
// A job is charged with what it is expected to take when it is given out, or else a free farm would
// give an owner everything before anything was used; when it ends, with what it took.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/time.h"
#include "coordinator/core/fair_order.h"

namespace pirouette::core {

// Weights are relative: with 200, twice the farm of one with 100.
inline constexpr std::uint32_t kShareWeightDefault = 100;
inline constexpr std::uint32_t kShareWeightMax = 10'000;

class FairShare {
 public:
  FairShare(std::map<std::string, std::uint32_t> weights, Duration half_life, Instant now)
      : weights_(std::move(weights)), half_life_(half_life), base_(now) {}

  OwnerId owner(const std::string& name);

  // Used at that time, however long ago.
  void add(OwnerId owner, Duration used, Instant at);
  // Expected of jobs that are rendered just now; may be taken back.
  void open(OwnerId owner, Duration expected) { rows_.at(owner).open += expected.us; }
  void close(OwnerId owner, Duration expected) { rows_.at(owner).open -= expected.us; }

  // The smaller, the sooner it is this owner's turn.
  std::uint64_t share(OwnerId owner, Instant now) const;

  // Once all shares have become too large: true, and then every owner's share is another.
  bool rebase(Instant now);
  std::vector<OwnerId> owners() const;

 private:
  struct Row {
    std::uint32_t weight = kShareWeightDefault;
    std::int64_t used_ms = 0;  // each millisecond times its factor
    std::int64_t open = 0;     // microseconds
  };
  std::int64_t factor(Instant at) const;

  std::map<std::string, std::uint32_t> weights_;
  Duration half_life_;
  Instant base_;
  std::map<std::string, OwnerId> ids_;
  std::map<OwnerId, Row> rows_;
};

}  // namespace pirouette::core
