#include "tests/support/crowd.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace pirouette::testing_support {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kWatch =
    "GET /api/v1/events HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\n\r\n";

std::string post(std::size_t body_bytes) {
  return "POST /api/v1/references HTTP/1.1\r\nHost: test\r\nContent-Length: " +
         std::to_string(body_bytes) + "\r\n\r\n";
}

}  // namespace

Crowd::Crowd(int port, const Size& size) {
  for (std::size_t i = 0; i < size.viewers; ++i) {
    viewers_.emplace_back(Peer(port)).peer.send(kWatch);
  }
  for (std::size_t i = 0; i < size.idle; ++i) {
    idle_.emplace_back(port);
    if (i % 2 == 0) idle_.back().get("/api/v1/health");
  }
  const auto add_slow = [&](std::size_t count, const std::string& at_once,
                            const std::string& slowly) {
    for (std::size_t i = 0; i < count; ++i) {
      slow_.push_back({Peer(port), slowly});
      slow_.back().peer.send(at_once);
    }
  };
  add_slow(size.slow_heads, "", "GET /api/v1/health HTTP/1.1\r\nHost: slow\r\n\r\n");
  add_slow(size.slow_bodies, post(1000), std::string(1000, 'a'));
  add_slow(size.slow_uploads, post(4 << 20), std::string(1000, 'a'));
  thread_ = std::thread([this] { run(); });
  const auto end = Clock::now() + std::chrono::seconds(20);
  const auto is_greeted = [](const Viewer& viewer) { return viewer.greeted.load(); };
  while (!std::ranges::all_of(viewers_, is_greeted) && Clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Crowd::~Crowd() {
  stopping_ = true;
  thread_.join();
}

std::size_t Crowd::viewers_with(std::uint64_t row) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      viewers_, [&](const Viewer& viewer) { return !viewer.wronged && viewer.last_row >= row; }));
}

std::size_t Crowd::viewers_wronged() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(viewers_, [](const Viewer& viewer) { return viewer.wronged.load(); }));
}

void Crowd::run() {
  std::vector<pollfd> wanted;
  for (const Viewer& viewer : viewers_) wanted.push_back({viewer.peer.descriptor(), POLLIN, 0});
  Clock::time_point next_byte = Clock::now();
  while (!stopping_) {
    if (Clock::now() >= next_byte) {
      send_a_byte_each();
      next_byte += std::chrono::seconds(1);
    }
    if (::poll(wanted.data(), wanted.size(), 10) <= 0) continue;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i].revents == 0) continue;
      read(viewers_[i]);
      if (viewers_[i].wronged) wanted[i].fd = -1;
    }
  }
}

void Crowd::read(Viewer& viewer) {
  std::array<char, 64 << 10> bytes;
  const ssize_t got = ::recv(viewer.peer.descriptor(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got <= 0) {
    viewer.wronged = true;
    return;
  }
  viewer.unparsed.append(bytes.data(), static_cast<std::size_t>(got));
  constexpr std::string_view kGreeting = "\"last_event\":";
  const std::size_t greeting = viewer.unparsed.find(kGreeting);
  if (!viewer.greeted && greeting != std::string::npos) {
    viewer.last_row = static_cast<std::uint64_t>(
        std::atoll(viewer.unparsed.c_str() + greeting + kGreeting.size()));
    viewer.greeted = true;
  }
  if (viewer.unparsed.find("event: resync") != std::string::npos) viewer.wronged = true;
  constexpr std::string_view kRow = "event: ledger\ndata: {\"id\":";
  std::size_t at = 0, done = 0;
  while ((at = viewer.unparsed.find(kRow, done)) != std::string::npos) {
    const std::size_t number = at + kRow.size();
    if (viewer.unparsed.find(',', number) == std::string::npos) break;  // not all of it
    const auto row = static_cast<std::uint64_t>(std::atoll(viewer.unparsed.c_str() + number));
    if (row != viewer.last_row + 1) viewer.wronged = true;
    viewer.last_row = row;
    done = number;
  }
  viewer.unparsed.erase(0, at != std::string::npos ? at : done);
  constexpr std::size_t kTail = 64;  // may hold the beginning of the next one
  if (at == std::string::npos && viewer.unparsed.size() > kTail) {
    viewer.unparsed.erase(0, viewer.unparsed.size() - kTail);
  }
}

void Crowd::send_a_byte_each() {
  for (Slow& slow : slow_) {
    if (slow.sent < slow.bytes.size()) slow.peer.send(slow.bytes.substr(slow.sent++, 1));
  }
}

double time_get(int port, const std::string& path, Peer* kept) {
  const Clock::time_point began = Clock::now();
  const PeerAnswer answer = kept ? kept->get(path) : Peer(port).get(path);
  const double ms = std::chrono::duration<double, std::milli>(Clock::now() - began).count();
  return answer.status == 200 ? ms : 1e9;
}

}  // namespace pirouette::testing_support
