#include "common/wire/wake.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "common/result.h"

namespace pirouette::wire {

Wake::Wake() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { PIROUETTE_CHECK(fd_ >= 0); }

Wake::~Wake() { ::close(fd_); }

void Wake::ring() {
  const std::uint64_t one = 1;
  // Can only fail when the counter is full: then it is readable anyway.
  [[maybe_unused]] const ssize_t written = ::write(fd_, &one, sizeof one);
}

void Wake::clear() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t read = ::read(fd_, &count, sizeof count);
}

}  // namespace pirouette::wire
