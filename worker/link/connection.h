#pragma once
// A DEALER to the coordinator that tells when its connection comes and goes, and that connects
// again after every kind of failure: libzmq itself gives up for good when a handshake fails, but a
// key that is refused now may be authorized in a minute. Owned by one thread; throws zmq::error_t.

#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "common/time.h"
#include "common/wire/complaints.h"
#include "common/wire/keys.h"

namespace pirouette::link {

// Between a refused handshake and the next attempt.
inline constexpr Duration kAfterRefusal = milliseconds(500);

class Connection {
 public:
  enum class News { up, down };

  // keys none: plain.
  Connection(zmq::context_t& context, std::string endpoint,
             const std::optional<wire::WorkerKeys>& keys, int queue_max,
             std::int64_t message_max_bytes);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  zmq::socket_t& socket() { return socket_; }
  zmq::socket_t& monitor() { return monitor_; }  // to wait on for news
  bool is_up() const { return up_; }

  // What happened since the last call, in order. Must be called about every second: it also starts
  // the next attempt after a refusal.
  std::vector<News> read_news();

 private:
  void connect_again();

  std::string endpoint_;
  zmq::socket_t socket_, monitor_;
  bool up_ = false;
  Instant connect_at_ = kNever;
  wire::Complaints complaints_{"link"};
};

}  // namespace pirouette::link
