#pragma once
// How a signal reaches the worker's loop: a number that only rises, and an eventfd that wakes the
// loop. drain() and stop() may be called from a signal's handler and from any thread.

#include <atomic>

namespace pirouette::link {

class StopFlag {
 public:
  enum class Wish { none, drain, stop };

  StopFlag();
  ~StopFlag();
  StopFlag(const StopFlag&) = delete;
  StopFlag& operator=(const StopFlag&) = delete;

  // Finish what is held and hand it in, take nothing new, then leave.
  void drain() { raise(Wish::drain); }
  // Leave now: say goodbye so that what is held goes to others at once. The outbox stays on disk.
  void stop() { raise(Wish::stop); }

  Wish wish() const { return wish_.load(); }
  int fd() const { return fd_; }  // readable once a wish was raised; never read it

 private:
  void raise(Wish wish);

  int fd_;
  std::atomic<Wish> wish_{Wish::none};
  static_assert(std::atomic<Wish>::is_always_lock_free);
};

}  // namespace pirouette::link
