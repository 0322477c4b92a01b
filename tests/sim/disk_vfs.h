#pragma once
// SQLite on a Disk: while it is mounted, every database that this program opens by any path is on
// that disk, and its own name (without folders) is its name there. One database connection at a
// time speaks to a file, so locks are always granted.
//
// One Disk is mounted at a time, by one thread.

#include "tests/sim/disk.h"

namespace pirouette::sim {

class MountedDisk {
 public:
  explicit MountedDisk(Disk& disk);
  ~MountedDisk();
  MountedDisk(const MountedDisk&) = delete;
};

}  // namespace pirouette::sim
