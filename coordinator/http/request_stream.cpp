#include "coordinator/http/request_stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace pirouette::http {
namespace {

constexpr std::size_t kReceiveBytes = 64u << 10;
constexpr int kLooksUpMs = 100;

}  // namespace

UploadSocket::~UploadSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

RequestStream::RequestStream(std::string begin, const Head& head, const UploadSocket& socket,
                             const Patience& patience)
    : bytes_(std::move(begin)), socket_(&socket), patience_(patience), chunked_(head.chunked) {
  const std::uint64_t here = bytes_.size() - head.bytes;
  to_come_ = head.chunked ? std::numeric_limits<std::uint64_t>::max() : head.body_bytes - here;
}

ssize_t RequestStream::read(char* to, std::size_t size) {
  if (read_ == bytes_.size() && !receive()) return 0;
  const std::size_t taken = std::min(size, bytes_.size() - read_);
  std::memcpy(to, bytes_.data() + read_, taken);
  read_ += taken;
  return static_cast<ssize_t>(taken);
}

ssize_t RequestStream::write(const char* from, std::size_t size) {
  answer_.append(from, size);
  return static_cast<ssize_t>(size);
}

void RequestStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

void RequestStream::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

// false: there is no more.
bool RequestStream::receive() {
  if (!socket_ || to_come_ == 0 || !send_what_waits()) return false;
  ssize_t got = -1;
  bytes_.resize(std::min<std::uint64_t>(kReceiveBytes, to_come_));
  do {
    if (!wait_until_readable()) break;
    got = ::recv(socket_->descriptor(), bytes_.data(), bytes_.size(), MSG_DONTWAIT);
  } while (got < 0 && (errno == EAGAIN || errno == EINTR));
  bytes_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  read_ = 0;
  to_come_ -= bytes_.size();
  received_ += bytes_.size();
  return !bytes_.empty();
}

// A "100 Continue": who waits for it sends nothing before.
bool RequestStream::send_what_waits() {
  if (answer_.empty()) return true;
  const ssize_t sent =
      ::send(socket_->descriptor(), answer_.data(), answer_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  const bool all = sent == static_cast<ssize_t>(answer_.size());
  answer_.clear();
  return all;  // these few bytes fit in every socket that is not broken
}

bool RequestStream::wait_until_readable() {
  while (true) {
    const auto so_far = std::chrono::duration<double>(Clock::now() - began_);
    if (so_far > patience_.slow_upload &&
        static_cast<double>(received_) < so_far.count() * kUploadBytesPerSecondMin) {
      too_slow_ = true;
      return false;
    }
    pollfd wanted{socket_->descriptor(), POLLIN, 0};
    const int ready = ::poll(&wanted, 1, kLooksUpMs);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace pirouette::http
