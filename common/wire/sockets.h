#pragma once
// How a socket of ours is set up: CURVE or plain, limits, keepalive. Both ends use it, so that they
// agree. Exceptions of cppzmq (zmq::error_t) pass through; dispatch and link are the walls.

#include <optional>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "common/result.h"
#include "common/wire/keys.h"

namespace pirouette::wire {

// Messages that may wait for one peer. A control frame is small and a worker reads at once: 1000
// mean that it hangs. A chunk is 256 KiB: 64 are 16 MiB, eight transfers' credit.
inline constexpr int kControlQueueMax = 1000;
inline constexpr int kBlobQueueMax = 64;

// "tcp://127.…", "tcp://localhost…", "tcp://[::1]…", "ipc://…", "inproc://…".
bool is_loopback(std::string_view endpoint);

// A ROUTER whose peers are authenticated over ZAP, unless keys is empty (plain).
void set_up_router(zmq::socket_t& socket, const std::optional<KeyPair>& keys, int queue_max,
                   std::int64_t message_max_bytes);

// A DEALER that reconnects quickly and queues nothing while there is no connection.
void set_up_dealer(zmq::socket_t& socket, const std::optional<WorkerKeys>& keys, int queue_max,
                   std::int64_t message_max_bytes);

inline constexpr char kZapDomain[] = "pirouette";

// A zmq call's failure in words.
Error zmq_error(const std::string& doing, const zmq::error_t& error);

}  // namespace pirouette::wire
