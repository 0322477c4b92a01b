#pragma once
// Accepts and holds every connection, and only moves bytes: whole requests are served by the thread
// that read them or go to the request threads (watch.h), uploads go to theirs, event streams to the
// hub. What is full refuses with a reason; a slow or idle peer costs a socket.

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>  // before Asio: Debian's 1.74 forgets it

#include "coordinator/http/connection.h"
#include "coordinator/http/request_threads.h"
#include "coordinator/http/site.h"
#include "coordinator/http/watch.h"

namespace pirouette::http {

class FrontDoor {
 public:
  FrontDoor(Site& site, const Router& router);
  ~FrontDoor();  // stops
  FrontDoor(const FrontDoor&) = delete;
  FrontDoor& operator=(const FrontDoor&) = delete;

  // The port. Connections are accepted once this returns.
  Result<int> listen(const std::string& host, int port);
  // Answers what is being served, then closes everything: within kStopMax of the last answer.
  void stop();

  // For connections.
  Traffic& traffic() { return site_.traffic; }
  const Patience& patience() const { return site_.config.patience; }
  Watch& watch() { return watch_; }
  RequestThreads& requests() { return requests_; }
  RequestThreads& uploads() { return uploads_; }
  bool is_stopping() const { return stopping_; }
  std::span<char> scratch() { return scratch_; }  // for one read
  void to_hub(int socket, bool is_v6, Follow&& follow);
  void forget(std::uint64_t connection);

  // For whoever serves.
  void answered(std::uint64_t connection, Reply&& reply);
  void add_piece(std::uint64_t connection, Piece&& piece);

 private:
  using Clock = Connection::Clock;
  Result<void> bind(const std::string& host, int port);
  void accept();
  void accept_later();
  void take_in(Connection::Socket&& socket);
  bool make_room();
  void look_at_clock();
  void end_if_done();
  Connection* find(std::uint64_t id) const;

  Site& site_;
  const std::size_t connections_max_;
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  boost::asio::steady_timer clock_{io_}, accept_again_{io_};
  std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections_;
  std::uint64_t last_id_ = 0;
  std::array<char, 64 << 10> scratch_;
  std::atomic<bool> stopping_{false};
  Clock::time_point stop_at_ = Clock::time_point::max();
  RequestThreads requests_, uploads_;
  Watch watch_;
  bool watches_ = false;
};

}  // namespace pirouette::http
