#pragma once
// A machine's disk in memory, as unkind as a real one: what was written and not synced may be gone,
// there in part or there in another order after the power was cut; only a process that dies leaves
// all that it wrote. A file's name is durable with its first sync. Writes tear at sectors.
//
// It can be told to fail: to be full, or to stop at the n-th change from now, in the way named.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/rng.h"

namespace pirouette::sim {

enum class DiskFault {
  power,   // nothing works from here on, until the machine starts again
  kill,    // likewise, but what was written is there: only the process ended
  io,      // this change fails, once
  memory,  // the system has no memory for it, once
};

class Disk {
 public:
  struct Change {
    std::uint64_t offset = 0;
    std::vector<std::uint8_t> before, after;  // before: as far as the file reached
    std::uint64_t length_before = 0;
    bool cuts = false;  // a truncation: offset is the new length
  };
  struct File {
    std::vector<std::uint8_t> bytes;
    std::vector<Change> unsynced;
    bool named = false;                            // its name survives
    std::vector<std::unique_ptr<char[]>> regions;  // shared memory of those who have it open
  };
  enum class Outcome { ok, full, io, memory };

  File* find(const std::string& name);
  File& create(const std::string& name);
  void remove(const std::string& name);

  Outcome write(File& file, std::uint64_t offset, const std::uint8_t* bytes, std::size_t count);
  Outcome truncate(File& file, std::uint64_t length);
  Outcome sync(File& file);

  // From the changes-th change from now on (1: the next).
  void fail_at(std::uint64_t changes, DiskFault how);
  void fail_at_sync(DiskFault how);  // the next one
  void set_full(bool full) { full_ = full; }
  bool is_full() const { return full_; }
  bool is_dead() const { return dead_; }

  // Nobody has a file open. All that was written is there.
  void restart_process();
  // Likewise, and of what was not synced chance decides.
  void cut_power(Rng& rng);

  // Files as they are, all of them synced.
  void copy_from(const Disk& other);

 private:
  Outcome operate();

  std::map<std::string, std::unique_ptr<File>> files_;
  std::vector<std::unique_ptr<File>> unlinked_;  // still open somewhere
  std::uint64_t fuse_ = 0;
  bool fails_at_sync_ = false;
  DiskFault fault_ = DiskFault::power;
  bool full_ = false, dead_ = false;
};

}  // namespace pirouette::sim
