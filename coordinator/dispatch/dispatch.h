#pragma once
// The coordinator's end of the protocol: what workers say becomes core::Events, core::Sends become
// messages. It decides nothing about jobs. It owns the control socket and its thread, and starts
// the blob server (blob_server.h) and the gate that checks keys (gate.h), each on its own thread.
// While the socket's thread sleeps, a few messages are sent by whoever gives them.
//
// A process at the other end is known to the core by a LinkId: a new one for each Hello, because
// what was on its way under the old one may be lost. A process that says anything else first is
// asked for its Hello. A process that does not read cannot hold up the others: when its queue is
// full its link is cut, and it has to say Hello again.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/blobs.h"
#include "common/result.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/event.h"

namespace pirouette::dispatch {

// Processes at the other end at once. 64 workers a farm are planned; beyond this a Hello is turned
// away.
inline constexpr std::size_t kLinksMax = 4096;

struct Config {
  std::string control_endpoint = "tcp://*:5571";  // port 0 or "*": any free one
  std::string blob_endpoint = "tcp://*:5572";
  std::filesystem::path keys;  // folder; its files are made at first start (common/wire/keys.h)
  bool plain = false;          // no CURVE; only bound to loopback
};

struct Endpoints {
  std::string control, blob;  // as bound, with real port numbers
};

// Since the start, for /metrics.
struct Counts {
  std::uint64_t frames_received = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t messages_malformed = 0;  // dropped
  std::uint64_t links_cut = 0;           // their queue was full, or they went away
  std::uint64_t keys_refused = 0;
  std::uint64_t blob_bytes_received = 0;
  std::uint64_t blob_bytes_sent = 0;
};

class Dispatch {
 public:
  // Called on dispatch's thread with everything that waited on the socket, in order. It must not
  // block: it hands the events to the loop.
  using OnEvents = std::function<void(std::vector<core::Event>&&)>;

  // invalid: plain on an endpoint that others can reach; io: cannot bind, or keys unreadable.
  static Result<std::unique_ptr<Dispatch>> start(const Config& config, Blobs blobs,
                                                 OnEvents on_events);
  // What was given to send() is handed to the sockets, then all threads end.
  ~Dispatch();
  Dispatch(const Dispatch&) = delete;
  Dispatch& operator=(const Dispatch&) = delete;

  // From any thread; never blocks. Messages for one link that are given together travel together,
  // in order. A link that is gone is no error: its worker says Hello again.
  void send(std::vector<core::Send>&& sends);

  const Endpoints& endpoints() const;
  Counts counts() const;

 private:
  class Impl;
  explicit Dispatch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::dispatch
