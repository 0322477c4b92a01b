#pragma once
// Which blobs are known to be whole and durable, so that a result whose picture has just come over
// the blob socket costs no further look at the disk, which would sync its folder once more and hold
// up the control socket meanwhile. Blobs are never deleted while a coordinator runs, so what was
// known once stays true. Safe for both sockets' threads.

#include <mutex>
#include <set>
#include <utility>

#include "common/blobs.h"

namespace pirouette::dispatch {

// Digests remembered: 2.5 MB of memory.
inline constexpr std::size_t kKnownBlobsMax = 65'536;

class StoredBlobs {
 public:
  explicit StoredBlobs(Blobs blobs) : blobs_(std::move(blobs)) {}

  // It is whole and durable now.
  void note(const Digest& digest) {
    const std::lock_guard lock(mutex_);
    if (known_.size() >= kKnownBlobsMax) known_.clear();
    known_.insert(digest);
  }

  bool contains(const Digest& digest) {
    {
      const std::lock_guard lock(mutex_);
      if (known_.contains(digest)) return true;
    }
    if (!blobs_.contains_durably(digest)) return false;
    note(digest);
    return true;
  }

 private:
  const Blobs blobs_;
  std::mutex mutex_;
  std::set<Digest> known_;  // under mutex_
};

}  // namespace pirouette::dispatch
