#pragma once
// Many HTTP peers at once on one thread of the client's: viewers that read event streams, idle
// connections, and those who send one byte a second.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/peer.h"

namespace pirouette::testing_support {

class Crowd {
 public:
  struct Size {
    std::size_t viewers = 200;
    std::size_t idle = 500;        // every other one has asked for something before
    std::size_t slow_heads = 40;   // a byte a second of a request's head
    std::size_t slow_bodies = 40;  // … of a small body
    std::size_t slow_uploads = 8;  // … of a large one
  };
  // Returns when all are connected and every viewer was greeted.
  Crowd(int port, const Size& size);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // How many viewers have that row, and all from the first one on, in order, each once.
  std::size_t viewers_with(std::uint64_t row) const;
  // Of how many the stream broke, or a row was missed, came twice or in the wrong order.
  std::size_t viewers_wronged() const;

 private:
  struct Viewer {
    explicit Viewer(Peer&& connected) : peer(std::move(connected)) {}
    Peer peer;
    std::string unparsed;
    std::atomic<std::uint64_t> last_row{0};
    std::atomic<bool> greeted{false}, wronged{false};
  };
  struct Slow {
    Peer peer;
    std::string bytes;
    std::size_t sent = 0;
  };
  void run();
  void read(Viewer& viewer);
  void send_a_byte_each();

  std::deque<Viewer> viewers_;
  std::vector<Peer> idle_;
  std::vector<Slow> slow_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// How long a GET of that path takes, in milliseconds: on a new connection, or on the one given.
double time_get(int port, const std::string& path, Peer* kept = nullptr);

}  // namespace pirouette::testing_support
