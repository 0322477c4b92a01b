#pragma once
// One HTTP connection to loopback, byte by byte: a peer that is slow, silent or rude when a test
// wants it to be, which no client library is.

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace pirouette::testing_support {

struct PeerAnswer {
  int status = 0;  // 0: there was none
  std::string head, body;
};

class Peer {
 public:
  // receive_buffer: the kernel's for this socket; 0: as it comes.
  explicit Peer(int port, int receive_buffer = 0);
  ~Peer();
  Peer(Peer&& other) noexcept;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  int descriptor() const { return descriptor_; }
  bool send(std::string_view bytes) const;
  // The next answer with a Content-Length, or what came until the end.
  PeerAnswer read_answer(std::chrono::milliseconds patience = std::chrono::seconds(10));
  PeerAnswer get(std::string_view path);
  // Whatever there is, once there is something. "": the end, or nothing came.
  std::string read_some(std::chrono::milliseconds patience = std::chrono::seconds(10)) const;
  // The other side closed, after what was still to read.
  bool is_closed_within(std::chrono::milliseconds patience) const;

 private:
  int descriptor_ = -1;
  std::string received_;
};

}  // namespace pirouette::testing_support
