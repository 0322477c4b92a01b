#include "worker/link/control_link.h"

#include <cerrno>

#include "common/log.h"
#include "common/wire/limits.h"
#include "common/wire/sockets.h"
#include "worker/link/messages.h"

namespace pirouette::link {

ControlLink::ControlLink(zmq::context_t& context, const std::string& endpoint,
                         const std::optional<wire::WorkerKeys>& keys)
    : connection_(context, endpoint, keys, wire::kControlQueueMax, wire::kControlFrameMaxBytes) {}

bool ControlLink::has_news() {
  const int wanted = unsent_.empty() ? ZMQ_POLLIN : ZMQ_POLLIN | ZMQ_POLLOUT;
  try {
    return (connection_.socket().get(zmq::sockopt::events) & wanted) != 0 ||
           (connection_.monitor().get(zmq::sockopt::events) & ZMQ_POLLIN) != 0;
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;  // a signal, which is news too
    return true;
  }
}

void ControlLink::receive(std::vector<agent::Event>& events) {
  for (const Connection::News news : connection_.read_news()) {
    unsent_.clear();  // belongs to the connection that ended
    overflowed_ = false;
    if (news == Connection::News::up) {
      events.emplace_back(agent::Connected{});
    } else {
      log::warn("link", "lost the coordinator; going on, and trying again");
      events.emplace_back(agent::Disconnected{});
    }
  }
  if (overflowed_ && unsent_.empty()) {
    overflowed_ = false;
    events.emplace_back(agent::Connected{});
  }
  zmq::message_t message;
  while (connection_.socket().recv(message, zmq::recv_flags::dontwait)) {
    const auto frame =
        wire::parse_coordinator_frame({message.data<std::uint8_t>(), message.size()});
    if (frame.ok()) {
      read_frame(frame.value(), events);
    } else {
      complaints_.say("dropped what the coordinator sent: " + frame.error().what);
    }
  }
}

void ControlLink::send(const wire::WorkerFrame& frame) {
  std::string bytes = frame.SerializeAsString();
  flush();
  if (unsent_.empty() && transmit(bytes)) return;
  if (!connection_.is_up()) return;  // the next connection begins with a Hello
  if (unsent_.size() >= kUnsentFramesMax) {
    complaints_.say("the coordinator does not read; it will be told everything in a new Hello");
    overflowed_ = true;
    return;
  }
  unsent_.push_back(std::move(bytes));
}

void ControlLink::flush() {
  while (!unsent_.empty() && transmit(unsent_.front())) unsent_.pop_front();
}

bool ControlLink::transmit(const std::string& bytes) {
  return connection_.socket().send(zmq::buffer(bytes), zmq::send_flags::dontwait).has_value();
}

}  // namespace pirouette::link
