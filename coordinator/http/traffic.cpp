#include "coordinator/http/traffic.h"

#include "common/log.h"
#include "coordinator/http/limits.h"

namespace pirouette::http {

void Traffic::refuse(Refusal kind, const std::string& why) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  Count& count = refused_.at(static_cast<std::size_t>(kind));
  ++count.all;
  const bool first = count.said == 0;
  if (!first && now - count.said_at < kRefusalSaidEvery) return;
  const std::uint64_t others = count.all - count.said - 1;
  count.said = count.all;
  count.said_at = now;
  log::warn("http", why + (others > 0 ? " (and " + std::to_string(others) + " before)" : ""));
}

std::uint64_t Traffic::refused(Refusal kind) const {
  const std::lock_guard lock(mutex_);
  return refused_.at(static_cast<std::size_t>(kind)).all;
}

}  // namespace pirouette::http
