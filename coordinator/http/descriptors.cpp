#include "coordinator/http/descriptors.h"

#include <sys/resource.h>

#include <algorithm>

#include "common/log.h"
#include "coordinator/http/limits.h"

namespace pirouette::http {

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    log::warn("http", "cannot raise the limit of open files; there may be fewer connections");
  }
}

std::size_t descriptors_granted() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<std::size_t>(limit.rlim_cur) : 1024;
}

std::size_t connections_allowed(std::size_t wanted, std::size_t descriptors) {
  const std::size_t kept = std::min(kDescriptorsKept, descriptors / 2);
  return std::min(wanted, descriptors - kept);
}

}  // namespace pirouette::http
