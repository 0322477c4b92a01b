#include "worker/link/connection.h"

#include <atomic>
#include <cstring>
#include <random>

#include "common/clock.h"
#include "common/log.h"
#include "common/wire/sockets.h"

namespace pirouette::link {
namespace {

constexpr int kNews = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                      ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                      ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;

// Of this process and no other: the coordinator tells processes apart by it. Never begins with 0,
// which libzmq keeps for itself.
std::string make_routing_id() {
  std::random_device random;
  std::string id = "w";
  for (int i = 0; i < 4; ++i) {
    const std::uint32_t word = random();
    id.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  return id;
}

std::string make_monitor_endpoint() {
  static std::atomic<unsigned> counter{0};
  return "inproc://connection-news-" + std::to_string(counter++);
}

}  // namespace

Connection::Connection(zmq::context_t& context, std::string endpoint,
                       const std::optional<wire::WorkerKeys>& keys, int queue_max,
                       std::int64_t message_max_bytes)
    : endpoint_(std::move(endpoint)),
      socket_(context, zmq::socket_type::dealer),
      monitor_(context, zmq::socket_type::pair) {
  wire::set_up_dealer(socket_, keys, queue_max, message_max_bytes);
  socket_.set(zmq::sockopt::routing_id, make_routing_id());
  const std::string news = make_monitor_endpoint();
  if (zmq_socket_monitor(socket_.handle(), news.c_str(), kNews) != 0) throw zmq::error_t();
  monitor_.set(zmq::sockopt::linger, 0);
  monitor_.connect(news);
  socket_.connect(endpoint_);
}

Connection::~Connection() { zmq_socket_monitor(socket_.handle(), nullptr, 0); }

std::vector<Connection::News> Connection::read_news() {
  std::vector<News> news;
  zmq::message_t message;
  while (monitor_.recv(message, zmq::recv_flags::dontwait)) {
    std::uint16_t kind = 0;
    PIROUETTE_CHECK(message.size() >= sizeof kind);
    std::memcpy(&kind, message.data(), sizeof kind);
    // The second part is the address.
    if (message.more() && !monitor_.recv(message, zmq::recv_flags::none)) break;
    if (kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
      up_ = true;
      connect_at_ = kNever;
      news.push_back(News::up);
    } else if (kind == ZMQ_EVENT_DISCONNECTED) {
      if (up_) news.push_back(News::down);
      up_ = false;
    } else if (kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH) {
      connect_at_ = monotonic_now() + kAfterRefusal;
      complaints_.say("the coordinator at " + endpoint_ +
                      " does not know this worker's key; add the key file's worker-public to "
                      "authorized_workers in the coordinator's keys folder");
    } else {
      connect_at_ = monotonic_now() + kAfterRefusal;
      complaints_.say("cannot agree with whoever listens at " + endpoint_ +
                      "; is the key file a copy of the coordinator's worker.key, and is this its "
                      "endpoint?");
    }
  }
  if (connect_at_ <= monotonic_now()) connect_again();
  return news;
}

void Connection::connect_again() {
  connect_at_ = kNever;
  try {
    socket_.disconnect(endpoint_);
  } catch (const zmq::error_t&) {
    // libzmq had given this connection up already.
  }
  socket_.connect(endpoint_);
}

}  // namespace pirouette::link
