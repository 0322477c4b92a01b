#pragma once
// All event streams on one thread. A viewer is a socket, the number of the last row that it has,
// and at most one write under way: until that is taken nothing new is made for it, so who reads
// slowly costs no memory, falls behind, and past kStreamBehindMax rows is told to fetch everything
// again. Rows and progress are turned into bytes once for all viewers at the same place. What comes
// in bursts is gathered for kStreamGather.
//
// wake() is called by the loop and costs next to nothing; take() and try_place() by anyone.

#include <memory>

#include "coordinator/http/exchange.h"

namespace pirouette::store {
class ReadModel;
}

namespace pirouette::http {

class Pulse;
class Traffic;

class StreamHub {
 public:
  StreamHub(std::shared_ptr<store::ReadModel> read, const Pulse& pulse, Traffic& traffic);
  ~StreamHub();  // stops
  StreamHub(const StreamHub&) = delete;
  StreamHub& operator=(const StreamHub&) = delete;

  // Null when kStreamsMax stream already.
  std::shared_ptr<void> try_place();
  // The socket is the hub's from here on. The answer's head was sent.
  void take(int socket, bool is_v6, Follow follow);
  // Something is new in the pulse.
  void wake();

  void start();
  void stop();  // closes every stream

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::http
