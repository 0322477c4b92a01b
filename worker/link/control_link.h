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

  // To wait on, with ZMQ_POLLIN: frames, and news of the connection. wants_out: wait for POLLOUT on
  // the first as well.
  void* socket() { return connection_.socket().handle(); }
  void* monitor() { return connection_.monitor(); }
  bool wants_out() const { return !unsent_.empty(); }

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
