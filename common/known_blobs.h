#pragma once
// Which blobs are known to be there, so that what was looked up once, or has just come, costs no
// further look at the disk. Nothing of ours deletes a coordinator's blobs, and who does it by
// hand is told to stop it before, so what was known once stays true. Any thread.

#include <mutex>
#include <set>
#include <utility>

#include "common/blobs.h"

namespace pirouette {

// Digests remembered: 2.5 MB of memory.
inline constexpr std::size_t kKnownBlobsMax = 65'536;

class KnownBlobs {
 public:
  using LookUp = bool (Blobs::*)(const Digest&) const;
  // What is not known is looked up with this: contains() or contains_durably().
  KnownBlobs(Blobs blobs, LookUp look_up) : blobs_(std::move(blobs)), look_up_(look_up) {}

  // It is there now, as the look-up would find it.
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
    if (!(blobs_.*look_up_)(digest)) return false;
    note(digest);
    return true;
  }

 private:
  const Blobs blobs_;
  const LookUp look_up_;
  std::mutex mutex_;
  std::set<Digest> known_;  // under mutex_
};

}  // namespace pirouette
