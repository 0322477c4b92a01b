#pragma once
// One connection from each worker to the coordinator, as ZeroMQ over TCP is in a bad night.
//
// While a connection lives, frames come in order, however late. It may lose a frame, let one
// overtake others or deliver one twice; after the first two it breaks within seconds, as a real one
// would. When it breaks, what was on its way is lost, or comes late. The worker learns of it some
// time later; the coordinator never does. A cut holds one direction back; a long one breaks it.

#include <functional>
#include <string>
#include <vector>

#include "tests/sim/timeline.h"
#include "tests/sim/trace.h"
#include "tests/sim/weather.h"

namespace pirouette::sim {

// What a worker's socket tells it.
enum class News { connected, disconnected };

class Network {
 public:
  struct Ends {
    std::function<void(const std::string& routing, const std::string& frame)> up;
    std::function<void(std::size_t worker, const std::string& frame)> down;
    std::function<void(std::size_t worker, News)> news;
  };

  Network(Timeline& time, Weather& weather, Trace& trace, std::size_t workers, Ends ends);

  // A process of the worker begins, under this name on the socket; or it ends. One that closes its
  // socket in good order has what it said delivered.
  void begin(std::size_t worker, const std::string& routing);
  void end(std::size_t worker, bool in_good_order);
  // The coordinator listens, or not.
  void listen(bool listening);

  void send_up(std::size_t worker, const std::string& frame);
  // False: there is no such connection now.
  bool send_down(const std::string& routing, const std::string& frame);

  void break_connection(std::size_t worker);
  // Nothing comes through for so long.
  void cut(std::size_t worker, bool upwards, bool downwards, Duration length);
  void mend();  // ends all cuts

  // Whether bytes could come and go just now.
  bool reaches(std::size_t worker) const;

 private:
  struct Line {
    std::string routing;  // empty: no process
    bool connected = false;
    std::uint64_t number = 0;  // of this connection
    std::uint64_t closed = 0;  // the last one that was closed in good order
    Instant up_last, down_last, up_cut, down_cut;
  };

  void connect_later(std::size_t worker);
  void send(std::size_t worker, bool upwards, const std::string& frame);
  void deliver_at(Instant when, std::size_t worker, bool upwards, const std::string& frame);
  void break_soon(std::size_t worker);

  Timeline& time_;
  Weather& weather_;
  Trace& trace_;
  const Ends ends_;
  std::vector<Line> lines_;
  bool listening_ = false;
};

}  // namespace pirouette::sim
