#include "common/wire/sockets.h"

#include <array>

namespace pirouette::wire {
namespace {

// A peer whose machine is gone without a word is noticed by pings: three are missed.
constexpr int kPingIntervalMs = 2000;
constexpr int kPingTimeoutMs = 6000;
constexpr int kHandshakeMs = 5000;
// How long a closed socket still tries to hand over its last messages.
constexpr int kLingerMs = 200;
// First and longest wait before connecting again: a restarted coordinator has its workers back
// within 2 s (DESIGN, law 7), and 64 workers do not drown it.
constexpr int kReconnectMs = 100;
constexpr int kReconnectMaxMs = 1000;

void set_up(zmq::socket_t& socket, int queue_max, std::int64_t message_max_bytes) {
  socket.set(zmq::sockopt::linger, kLingerMs);
  socket.set(zmq::sockopt::sndhwm, queue_max);
  socket.set(zmq::sockopt::rcvhwm, queue_max);
  socket.set(zmq::sockopt::maxmsgsize, message_max_bytes);
  socket.set(zmq::sockopt::heartbeat_ivl, kPingIntervalMs);
  socket.set(zmq::sockopt::heartbeat_timeout, kPingTimeoutMs);
  socket.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
}

}  // namespace

bool is_loopback(std::string_view endpoint) {
  static constexpr std::array<std::string_view, 5> kNear = {
      "tcp://127.", "tcp://localhost:", "tcp://[::1]:", "ipc://", "inproc://"};
  for (const std::string_view near : kNear) {
    if (endpoint.starts_with(near)) return true;
  }
  return false;
}

void set_up_router(zmq::socket_t& socket, const std::optional<KeyPair>& keys, int queue_max,
                   std::int64_t message_max_bytes) {
  set_up(socket, queue_max, message_max_bytes);
  socket.set(zmq::sockopt::router_mandatory,
             true);  // an unknown or full peer is an error, not silence
  socket.set(zmq::sockopt::router_handover,
             true);  // a worker that reconnects replaces its old self
  if (!keys) return;
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::curve_secretkey, keys->secret_key);
  socket.set(zmq::sockopt::zap_domain, kZapDomain);
}

void set_up_dealer(zmq::socket_t& socket, const std::optional<WorkerKeys>& keys, int queue_max,
                   std::int64_t message_max_bytes) {
  set_up(socket, queue_max, message_max_bytes);
  socket.set(zmq::sockopt::immediate, true);
  socket.set(zmq::sockopt::reconnect_ivl, kReconnectMs);
  socket.set(zmq::sockopt::reconnect_ivl_max, kReconnectMaxMs);
  if (!keys) return;
  socket.set(zmq::sockopt::curve_serverkey, keys->coordinator_public);
  socket.set(zmq::sockopt::curve_publickey, keys->own.public_key);
  socket.set(zmq::sockopt::curve_secretkey, keys->own.secret_key);
}

Error zmq_error(const std::string& doing, const zmq::error_t& error) {
  return {error.num() == EADDRINUSE ? Errc::conflict : Errc::io, doing + ": " + error.what()};
}

}  // namespace pirouette::wire
