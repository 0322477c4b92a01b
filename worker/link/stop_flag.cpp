#include "worker/link/stop_flag.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "common/result.h"

namespace pirouette::link {

StopFlag::StopFlag() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { PIROUETTE_CHECK(fd_ >= 0); }

StopFlag::~StopFlag() { ::close(fd_); }

void StopFlag::raise(Wish wish) {
  const int code = errno;  // a signal's handler must leave it as it was
  Wish seen = wish_.load();
  while (seen < wish && !wish_.compare_exchange_weak(seen, wish)) {
  }
  const std::uint64_t one = 1;
  // Can only fail when the counter is full, and then the loop is woken anyway.
  [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
  errno = code;
}

}  // namespace pirouette::link
