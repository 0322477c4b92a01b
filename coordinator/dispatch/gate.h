#pragma once
// Answers libzmq's question "may this key connect?" (ZAP, RFC 27) from authorized_workers. Own
// thread, for as long as the sockets live: without an answerer libzmq lets everyone in.

#include <atomic>
#include <thread>
#include <zmq.hpp>

#include "common/wire/keys.h"

namespace pirouette::dispatch {

class Gate {
 public:
  // Before any socket with CURVE is bound. authorized must outlive the gate; the gate ends when the
  // context is shut down, and must be destroyed after that.
  Gate(zmq::context_t& context, wire::AuthorizedWorkers& authorized);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  std::uint64_t refused() const { return refused_; }

 private:
  void serve();

  zmq::socket_t socket_;  // the thread's, once it runs
  wire::AuthorizedWorkers& authorized_;
  std::atomic<std::uint64_t> refused_{0};
  std::thread thread_;
};

}  // namespace pirouette::dispatch
