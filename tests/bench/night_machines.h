#pragma once
// The workers of a night (night.h), each some twenty lines of what a real one does: says hello,
// beats, takes leases one after another, says each step and the end, falls silent, comes back.

#include <cstdint>
#include <deque>
#include <queue>
#include <string>
#include <vector>

#include "common/rng.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/event.h"

namespace pirouette::bench {

// An event that the core is told, and when.
struct Told {
  Instant at;
  core::Event event;
};

class Machines {
 public:
  // All come within the first minute, or sooner where they are few.
  Machines(std::size_t count, std::uint64_t seed, Instant start);

  // When something happens next.
  Instant next_at() const { return due_.top().at; }
  // What happens until then, in order, behind what is in it already.
  void act_until(Instant until, std::vector<Told>& told);
  // What the core sends reaches them a millisecond later.
  void receive(const core::Send& message, Instant now);

  // Of all of them together, with nothing going wrong.
  static double jobs_per_second(std::size_t count);
  // That job's rendering fails wherever it is tried: its reference is no picture.
  static bool cannot_be_rendered(JobId job) { return job.value % 20'011 == 0; }

 private:
  enum class Turn : std::uint8_t { hello, beat, step, death };
  struct Due {
    Instant at;
    std::uint64_t order;  // of those at the same time
    std::uint32_t machine, life;
    Turn turn;
    bool operator>(const Due& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  struct Held {
    LeaseId lease;
    JobId job;
    std::string lora;
  };
  struct Machine {
    LinkId link;
    std::uint32_t life = 0;  // what was due in an earlier one does not happen
    std::uint32_t run = 0;   // likewise of a rendering
    Duration heartbeat = seconds(2);
    std::deque<Held> held;  // the first is rendered
    std::string lora;       // in memory
    Instant broken_until;   // everything it renders fails
    std::uint32_t renders = 0;
    std::uint32_t step = 0, steps = 0, fails_at = 0;
    Duration a_step;
  };

  void plan(std::uint32_t index, Turn turn, Instant at);
  void act(const Due& due, std::vector<Told>& told);
  void say_hello(std::uint32_t index, Instant now, std::vector<Told>& told);
  void begin(std::uint32_t index, Instant now);
  void say_step(std::uint32_t index, Instant now, std::vector<Told>& told);
  void drop(std::uint32_t index, LeaseId lease, Instant now);
  Duration chance(Duration mean) {  // half to one and a half of it
    return mean.us == 0 ? mean
                        : Duration{mean.us / 2 + static_cast<std::int64_t>(rng_.below(
                                                     static_cast<std::uint64_t>(mean.us)))};
  }

  Rng rng_;
  std::uint64_t links_ = 0, order_ = 0;
  std::vector<Machine> machines_;
  std::vector<std::uint32_t> by_link_;  // links are numbered in a row
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
};

}  // namespace pirouette::bench
