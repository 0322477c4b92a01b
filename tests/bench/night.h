#pragma once
// A night of any size: the real core on a virtual clock, and if asked for the real store behind it,
// with as many workers and jobs as are wanted. Workers are of four speeds (8 to 40 s a picture),
// say how far they are, take a job in reserve, load LoRAs, die and come back; some fail everything
// for a while; some jobs cannot be rendered. Everything follows from the plan: the same one gives
// the same night.
//
// What the core says is kept account of, a byte a job: each job ends exactly once, nobody is given
// more than he takes, every batch is finished. (That the promises hold under every kind of trouble
// is tests/sim's to show; here they must hold at this size.)
//
// Not real: agent, wire, sockets, HTTP, pictures. bench_stored has them.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace pirouette::bench {

struct NightPlan {
  std::size_t workers = 10'000;
  std::size_t jobs = 1'000'000;
  std::uint64_t seed = 1;
  std::filesystem::path folder;  // of a database that every round is committed to; none: no store
};

struct NightReport {
  std::string broken;  // the first promise that did not hold; "": all did
  double night_seconds = 0, real_seconds = 0;
  // Of processor time: of what jobs and workers say, of the clock's ticks (silences, forecasts),
  // of the store.
  double jobs_seconds = 0, ticks_seconds = 0, store_seconds = 0;
  double longest_round_ms = 0;  // likewise, of core and store together
  std::size_t events = 0, done = 0, failed = 0;
  std::size_t leases = 0, twins = 0, requeued = 0, workers_lost = 0, quarantines = 0;
  std::size_t jobs_in_memory = 0;  // at most
  std::uint64_t decisions = 0;     // a hash of who got what when
  double peak_mib = 0;             // of this process, the night's own account with it
};

NightReport play(const NightPlan& plan);

}  // namespace pirouette::bench
