#include "coordinator/http/front_door.h"

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <vector>

#include "common/log.h"
#include "coordinator/http/descriptors.h"
#include "coordinator/http/limits.h"
#include "coordinator/http/problem.h"

namespace pirouette::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// After an error that accepting again at once would only repeat.
constexpr std::chrono::milliseconds kAcceptAgain{50};

}  // namespace

FrontDoor::FrontDoor(Site& site, const Router& router)
    : site_(site),
      connections_max_(connections_allowed(site.config.connections_max, descriptors_granted())),
      requests_(
          kHttpThreads, kRequestsWaitingMax,
          [&] { return std::make_unique<Serving>(site, router); }, site.traffic.requests_waiting),
      uploads_(
          kUploadsMax, kUploadsWaitingMax, [&] { return std::make_unique<Serving>(site, router); },
          site.traffic.uploads_waiting),
      watch_(io_, std::make_unique<Serving>(site, router),
             std::make_unique<Serving>(site, router)) {}

FrontDoor::~FrontDoor() { stop(); }

Result<int> FrontDoor::listen(const std::string& host, int port) {
  const auto bound = bind(host, port);
  if (!bound.ok()) {
    return Error{Errc::io, "cannot listen on " + host + ":" + std::to_string(port) + " (" +
                               bound.error().what +
                               "); is another program using that port, and is the address one of "
                               "this machine's?"};
  }
  if (connections_max_ < site_.config.connections_max) {
    log::warn("http", "only " + std::to_string(connections_max_) + " connections instead of " +
                          std::to_string(site_.config.connections_max) +
                          " are possible; raise the limit of open files (ulimit -n)");
  }
  accept();
  look_at_clock();
  const int bound_port = acceptor_.local_endpoint().port();
  watch_.start();
  watches_ = true;
  return bound_port;
}

Result<void> FrontDoor::bind(const std::string& host, int port) {
  error_code failed;
  tcp::resolver resolver(io_);
  const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, failed);
  if (failed) return Error{Errc::io, failed.message()};
  for (const auto& entry : found) {
    const tcp::endpoint endpoint = entry.endpoint();
    error_code ignored;
    acceptor_.close(ignored);
    acceptor_.open(endpoint.protocol(), failed);
    // Not SO_REUSEPORT: with it a second coordinator would share the port in silence.
    if (!failed) acceptor_.set_option(asio::socket_base::reuse_address(true), failed);
    if (!failed && endpoint.protocol() == tcp::v6()) {
      acceptor_.set_option(asio::ip::v6_only(false), ignored);
    }
    if (!failed) acceptor_.bind(endpoint, failed);
    if (!failed) acceptor_.listen(kBacklog, failed);
    if (!failed) return {};
  }
  return Error{Errc::io, failed.message()};
}

void FrontDoor::accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
    if (stopping_ || error == asio::error::operation_aborted) return;
    if (error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
        error == asio::error::no_memory || error.value() == ENFILE) {
      traffic().refuse(Refusal::connections, "cannot accept a connection: " + error.message() +
                                                 "; raise the limit of open files (ulimit -n)");
      if (!make_room()) return accept_later();
    } else if (!error) {
      take_in(std::move(socket));
    }
    accept();
  });
}

void FrontDoor::accept_later() {
  accept_again_.expires_after(kAcceptAgain);
  accept_again_.async_wait([this](const error_code& error) {
    if (!error && !stopping_) accept();
  });
}

void FrontDoor::take_in(tcp::socket&& socket) {
  const auto open = connections_.size() + static_cast<std::size_t>(site_.traffic.streams.load());
  const bool room = open < connections_max_ || make_room();
  const std::uint64_t id = ++last_id_;
  const auto connection = std::make_shared<Connection>(*this, id, std::move(socket));
  connections_.emplace(id, connection);
  ++traffic().connections;
  connection->start();
  if (room) return;
  const std::string why = std::to_string(connections_max_) +
                          " connections are open, the most there may be; try again in a moment";
  traffic().refuse(Refusal::connections, why);
  connection->refuse(problem(503, why));
}

// Whoever was idle longest only loses a connection that it may open again.
bool FrontDoor::make_room() {
  const Connection* oldest = nullptr;
  for (const auto& [id, connection] : connections_) {
    if (!connection->is_idle()) continue;
    if (!oldest || connection->deadline() < oldest->deadline()) oldest = connection.get();
  }
  if (!oldest) return false;
  const_cast<Connection*>(oldest)->close();
  return true;
}

void FrontDoor::look_at_clock() {
  clock_.expires_after(kPatienceLooksUp);
  clock_.async_wait([this](const error_code& error) {
    if (error) return;
    const Clock::time_point now = Clock::now();
    std::vector<std::shared_ptr<Connection>> late;
    for (const auto& [id, connection] : connections_) {
      if (connection->deadline() <= now) late.push_back(connection);
    }
    for (const auto& connection : late) connection->look_at_clock(now);
    if (now >= stop_at_) return io_.stop();
    look_at_clock();
  });
}

Connection* FrontDoor::find(std::uint64_t id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

void FrontDoor::answered(std::uint64_t connection, Reply&& reply) {
  auto moved = std::make_shared<Reply>(std::move(reply));
  asio::post(io_, [this, connection, moved] {
    if (Connection* const waiting = find(connection)) waiting->answer(std::move(*moved));
  });
}

void FrontDoor::add_piece(std::uint64_t connection, Piece&& piece) {
  auto moved = std::make_shared<Piece>(std::move(piece));
  asio::post(io_, [this, connection, moved] {
    if (Connection* const waiting = find(connection)) waiting->send_piece(std::move(*moved));
  });
}

void FrontDoor::to_hub(int socket, bool is_v6, Follow&& follow) {
  site_.streams.take(socket, is_v6, std::move(follow));
}

void FrontDoor::forget(std::uint64_t connection) {
  if (connections_.erase(connection) > 0) --traffic().connections;
  end_if_done();
}

void FrontDoor::end_if_done() {
  if (stop_at_ != Clock::time_point::max() && connections_.empty()) io_.stop();
}

void FrontDoor::stop() {
  if (!std::exchange(watches_, false)) return;
  stopping_ = true;
  asio::post(io_, [this] {
    error_code ignored;
    acceptor_.close(ignored);
    const auto all = connections_;
    for (const auto& [id, connection] : all) connection->wind_up();
  });
  requests_.stop();
  uploads_.stop();
  watch_.take_no_more();
  asio::post(io_, [this] {
    stop_at_ = Clock::now() + kStopMax;
    const auto all = connections_;
    for (const auto& [id, connection] : all) {
      if (connection->is_idle()) connection->close();
    }
    end_if_done();
  });
  watch_.join();
  connections_.clear();
}

}  // namespace pirouette::http
