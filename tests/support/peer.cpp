#include "tests/support/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <utility>

namespace pirouette::testing_support {

Peer::Peer(int port, int receive_buffer)
    : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int yes = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (receive_buffer > 0) {
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(descriptor_);
    descriptor_ = -1;
  }
}

Peer::~Peer() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Peer::Peer(Peer&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), received_(std::move(other.received_)) {}

bool Peer::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string Peer::read_some(std::chrono::milliseconds patience) const {
  pollfd wanted{descriptor_, POLLIN, 0};
  if (::poll(&wanted, 1, static_cast<int>(patience.count())) <= 0) return {};
  std::array<char, 64 << 10> bytes;
  const ssize_t got = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
  return got > 0 ? std::string(bytes.data(), static_cast<std::size_t>(got)) : std::string();
}

PeerAnswer Peer::read_answer(std::chrono::milliseconds patience) {
  const auto more = [&] {
    const std::string bytes = read_some(patience);
    received_ += bytes;
    return !bytes.empty();
  };
  PeerAnswer answer;
  std::size_t end = 0;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return answer;
  }
  answer.head = received_.substr(0, end + 4);
  answer.status = std::atoi(answer.head.c_str() + 9);
  received_.erase(0, end + 4);
  if (answer.status == 100) return answer;
  const std::size_t length = answer.head.find("Content-Length: ");
  if (length == std::string::npos) return answer;
  const auto bytes = static_cast<std::size_t>(std::atoll(answer.head.c_str() + length + 16));
  while (received_.size() < bytes && more()) {
  }
  answer.body = received_.substr(0, bytes);
  received_.erase(0, bytes);
  return answer;
}

PeerAnswer Peer::get(std::string_view path) {
  send("GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\n\r\n");
  return read_answer();
}

bool Peer::is_closed_within(std::chrono::milliseconds patience) const {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < end) {
    pollfd wanted{descriptor_, POLLIN, 0};
    if (::poll(&wanted, 1, 20) <= 0) continue;
    std::array<char, 64 << 10> bytes;
    if (::recv(descriptor_, bytes.data(), bytes.size(), 0) <= 0) return true;
  }
  return false;
}

}  // namespace pirouette::testing_support
