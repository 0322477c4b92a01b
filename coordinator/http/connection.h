#pragma once
// One socket at the front door. It waits for a request, all of it, then lets a thread serve it,
// sends the answer as fast as the peer takes it, and waits for the next one. Each wait costs the
// socket and what was received so far, and has an end (Patience).
//
// Belongs to who watches the front door.

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>  // before Asio: Debian's 1.74 forgets it

#include "coordinator/http/head.h"
#include "coordinator/http/reply.h"

namespace pirouette::http {

class FrontDoor;

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;
  using Socket = boost::asio::ip::tcp::socket;

  Connection(FrontDoor& door, std::uint64_t id, Socket&& socket);

  void start();
  // Says why there is no more to be had here, and closes.
  void refuse(Answer&& problem);
  // From who serves it.
  void answer(Reply&& reply);
  void send_piece(Piece&& piece);

  void look_at_clock(Clock::time_point now);
  // Nothing new is begun; what is being served gets its answer.
  void wind_up();
  void close();

  bool is_idle() const { return phase_ == Phase::idle; }
  Clock::time_point deadline() const { return deadline_; }

 private:
  enum class Phase { idle, head, body, serving, sending, goodbye, closed };

  void enter(Phase phase, std::optional<std::chrono::milliseconds> patience);
  void wait_for_bytes();
  void receive();
  void look_at_input();
  void serve_whole(std::size_t bytes);
  void serve_upload();
  bool is_last() const;
  void send();
  void sent_all();
  void say_goodbye();
  void hand_to_hub();

  FrontDoor& door_;
  const std::uint64_t id_;
  Socket socket_;
  Phase phase_ = Phase::idle;
  Clock::time_point deadline_ = Clock::time_point::max();
  std::size_t requests_ = 0;

  std::string input_;
  std::optional<Head> head_;  // of the request that input_ begins with
  std::string output_;
  std::size_t output_sent_ = 0;
  std::shared_ptr<Pieces> rest_;  // of the answer
  std::optional<Follow> follow_;
  bool close_ = false, unread_ = false;
};

}  // namespace pirouette::http
