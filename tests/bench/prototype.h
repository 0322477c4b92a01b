#pragma once
// What a farm of this shape costs at the least: a bare prototype, drained beside the real one in
// the same run, so that the ratio of the two says what the farm's promises cost on this machine
// today.
//
// The same: a ROUTER and DEALERs with CURVE over TCP on loopback, a window of jobs at each worker,
// a result and the wish for the next job in one message, SQLite (WAL, synchronous = FULL) with one
// commit when the socket runs dry, and nothing sent before it is durable: that a job is leased and
// to whom, that it is done and its result. A job's row holds its payload of 1 KiB and then its
// result of 200 bytes.
//
// Left out, and in the farm: the worker's outbox (its journal and the sync before each report) and
// its render, blob and connection threads; the ledger; a row a lease, numbers that never repeat,
// poses, sheets and counts; placement, retries, liveness, duplicates; a message format, its limits
// and the digest of a job's order; the check of keys; the hand-over between a thread for the
// sockets and one for the core. Jobs wait in order of their numbers.

#include <cstdint>
#include <filesystem>

namespace pirouette::bench {

struct PrototypeConfig {
  std::filesystem::path folder;  // on the disk that is measured
  std::uint32_t workers = 8;     // a thread, a context and a socket each
  std::uint32_t window = 16;     // jobs each holds
  std::uint64_t jobs = 12'000;
  bool plain = false;  // no CURVE
};

struct PrototypeDrained {
  double rate = 0;          // jobs a second
  double processor_us = 0;  // a job, coordinator and workers together
  std::uint64_t commits = 0;
};

// From when every worker has said hello to when the last job was durably done.
PrototypeDrained drain_prototype(const PrototypeConfig& config);

}  // namespace pirouette::bench
