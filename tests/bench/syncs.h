#pragma once
// Counts what this program asks the disk to make durable, by whose file it is. The calls themselves
// go on to the kernel as they came: syncs.cpp defines fsync and fdatasync for the whole executable,
// SQLite's library included.

#include <cstdint>

namespace pirouette::bench {

struct Syncs {
  std::uint64_t database = 0;  // farm.db and its log; the prototype's
  std::uint64_t outbox = 0;    // the workers' outboxes, pictures included
  std::uint64_t blobs = 0;     // the coordinator's blob folder
  std::uint64_t others = 0;    // references, keys

  std::uint64_t all() const { return database + outbox + blobs + others; }
};

Syncs syncs_so_far();

Syncs operator-(const Syncs& later, const Syncs& earlier);

}  // namespace pirouette::bench
