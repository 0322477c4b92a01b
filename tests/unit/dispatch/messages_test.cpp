#include "coordinator/dispatch/messages.h"

#include <gtest/gtest.h>

#include "common/wire/limits.h"

namespace pirouette::dispatch {
namespace {

core::WorkerWasHeard read_heartbeat(const wire::Heartbeat& heartbeat) {
  wire::WorkerMessage message;
  *message.mutable_heartbeat() = heartbeat;
  const auto event = read_message(message, {1}, [](const Digest&) { return false; });
  return std::get<core::WorkerWasHeard>(event.value().value());
}

TEST(Messages, AHeartbeatOfAnOlderWorkerSaysNothingOfItsCapacity) {
  wire::Heartbeat heartbeat;
  EXPECT_EQ(read_heartbeat(heartbeat).capacity, std::nullopt);
  heartbeat.set_capacity(0);
  EXPECT_EQ(read_heartbeat(heartbeat).capacity, 0u);
  heartbeat.set_capacity(~0u);
  EXPECT_EQ(read_heartbeat(heartbeat).capacity, wire::kCapacityMax);
}

}  // namespace
}  // namespace pirouette::dispatch
