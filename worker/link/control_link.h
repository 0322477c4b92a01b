#pragma once
// The worker's end of the control socket. It notices when the connection comes and goes, which the
// agent needs to know: what was on its way is lost then. Nothing is queued while there is no
// connection. Owned by whoever runs the loop's round; nothing here waits.

#include <deque>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "common/wire/complaints.h"
#include "common/wire/frames.h"
#include "worker/agent/event.h"
#include "worker/link/connection.h"

namespace pirouette::link {

// Frames that may wait for a socket that is full, beside libzmq's own queue.
inline constexpr std::size_t kUnsentFramesMax = 256;

class ControlLink {
 public:
  // Throws zmq::error_t (run() is the wall). keys none: plain.
  ControlLink(zmq::context_t& context, const std::string& endpoint,
              const std::optional<wire::WorkerKeys>& keys);

  // To wait on, for POLLIN: frames, and news of the connection. They only tell that something
  // changed since the last look, so look before each wait: has_news().
  int socket_fd() { return connection_.socket().get(zmq::sockopt::fd); }
  int monitor_fd() { return connection_.monitor().get(zmq::sockopt::fd); }
  // Something came, or what could not be sent can be.
  bool has_news();

  // Appends all that waits.
  void receive(std::vector<agent::Event>& events);
  void send(const wire::WorkerFrame& frame);
  void flush();  // what could not be sent yet

 private:
  bool transmit(const std::string& bytes);

  Connection connection_;
  bool overflowed_ = false;  // a frame was dropped: say Hello once the socket takes frames again
  std::deque<std::string> unsent_;
  wire::Complaints complaints_{"link"};
};

}  // namespace pirouette::link
