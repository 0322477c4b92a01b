#pragma once
// What httplib takes for a socket: a request's bytes come from memory, its answer's go there. Only
// an upload's body is read from the socket, by the thread that serves it, within what Patience and
// kUploadBytesPerSecondMin allow.

#include <httplib.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "coordinator/http/head.h"
#include "coordinator/http/limits.h"

namespace pirouette::http {

// A socket's descriptor, to be closed. It is a duplicate, so its connection may go at any time.
class UploadSocket {
 public:
  explicit UploadSocket(int descriptor) : descriptor_(descriptor) {}
  ~UploadSocket();
  UploadSocket(const UploadSocket&) = delete;
  UploadSocket& operator=(const UploadSocket&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

class RequestStream : public httplib::Stream {
 public:
  // All of one request.
  explicit RequestStream(std::string request) : bytes_(std::move(request)) {}
  // Its head and what came with it; the rest of the body comes from the socket.
  RequestStream(std::string begin, const Head& head, const UploadSocket& socket,
                const Patience& patience);

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override;
  ssize_t write(const char* from, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return INVALID_SOCKET; }

  std::string& answer() { return answer_; }
  bool is_upload() const { return socket_ != nullptr; }
  bool too_slow() const { return too_slow_; }
  // What was received and not read.
  std::string left_over() const { return bytes_.substr(read_); }
  // Nothing is left of a body whose size is known; a chunked one knows its own end.
  bool all_read() const { return chunked_ || (read_ == bytes_.size() && to_come_ == 0); }

 private:
  using Clock = std::chrono::steady_clock;
  bool receive();
  bool send_what_waits();
  bool wait_until_readable();

  std::string bytes_;
  std::size_t read_ = 0;
  std::string answer_;

  const UploadSocket* socket_ = nullptr;
  Patience patience_;
  std::uint64_t to_come_ = 0, received_ = 0;
  const Clock::time_point began_ = Clock::now();
  bool chunked_ = false, too_slow_ = false;
};

}  // namespace pirouette::http
