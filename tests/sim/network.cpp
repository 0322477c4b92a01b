#include "tests/sim/network.h"

#include <algorithm>

namespace pirouette::sim {
namespace {

constexpr Duration kFastest = milliseconds(1), kUsual = milliseconds(15), kLate = seconds(4);
// A cut longer than this is noticed by the worker's side of the connection.
constexpr Duration kBreaksAfter = seconds(8);
// As worker/link/connection: it tries again and again.
constexpr Duration kConnectLeast = milliseconds(50), kConnectMost = seconds(2);

}  // namespace

Network::Network(Timeline& time, Weather& weather, Trace& trace, std::size_t workers, Ends ends)
    : time_(time), weather_(weather), trace_(trace), ends_(std::move(ends)), lines_(workers) {}

void Network::begin(std::size_t worker, const std::string& routing) {
  lines_[worker].routing = routing;
  connect_later(worker);
}

void Network::end(std::size_t worker, bool in_good_order) {
  Line& line = lines_[worker];
  if (in_good_order) line.closed = line.number;
  line.routing.clear();
  line.connected = false;
  ++line.number;
}

void Network::listen(bool listening) {
  listening_ = listening;
  if (listening) return;
  for (std::size_t worker = 0; worker < lines_.size(); ++worker) break_connection(worker);
}

void Network::connect_later(std::size_t worker) {
  const std::uint64_t number = lines_[worker].number;
  time_.after(weather_.between(kConnectLeast, kConnectMost), [this, worker, number] {
    Line& line = lines_[worker];
    if (line.number != number || line.routing.empty() || line.connected) return;
    if (!listening_ || !reaches(worker)) return connect_later(worker);
    line.connected = true;
    line.up_last = line.down_last = time_.now();
    ends_.news(worker, News::connected);
  });
}

bool Network::reaches(std::size_t worker) const {
  const Line& line = lines_[worker];
  return listening_ && line.up_cut <= time_.now() && line.down_cut <= time_.now();
}

void Network::break_connection(std::size_t worker) {
  Line& line = lines_[worker];
  if (!line.connected) return;
  line.connected = false;
  const std::uint64_t number = ++line.number;
  time_.after(weather_.between({0}, seconds(3)), [this, worker, number] {
    if (lines_[worker].number != number || lines_[worker].routing.empty()) return;
    ends_.news(worker, News::disconnected);
    connect_later(worker);
  });
}

void Network::break_soon(std::size_t worker) {
  const std::uint64_t number = lines_[worker].number;
  time_.after(weather_.between(milliseconds(1), seconds(6)), [this, worker, number] {
    if (lines_[worker].number == number) break_connection(worker);
  });
}

void Network::cut(std::size_t worker, bool upwards, bool downwards, Duration length) {
  Line& line = lines_[worker];
  const Instant end = time_.now() + length;
  if (upwards) line.up_cut = std::max(line.up_cut, end);
  if (downwards) line.down_cut = std::max(line.down_cut, end);
  if (length > kBreaksAfter) break_soon(worker);
}

void Network::mend() {
  for (std::size_t worker = 0; worker < lines_.size(); ++worker) {
    lines_[worker].up_cut = lines_[worker].down_cut = time_.now();
    break_connection(worker);
  }
}

void Network::send_up(std::size_t worker, const std::string& frame) {
  if (lines_[worker].connected) send(worker, true, frame);
}

bool Network::send_down(const std::string& routing, const std::string& frame) {
  for (std::size_t worker = 0; worker < lines_.size(); ++worker) {
    if (lines_[worker].routing != routing || !lines_[worker].connected) continue;
    send(worker, false, frame);
    return true;
  }
  return false;
}

void Network::send(std::size_t worker, bool upwards, const std::string& frame) {
  Line& line = lines_[worker];
  if (weather_.strikes(Trouble::frame_lost, 60)) {
    trace_.say("network loses a frame of worker " + std::to_string(worker));
    return break_soon(worker);
  }
  Instant when = time_.now() + weather_.between(kFastest, kUsual);
  if (weather_.strikes(Trouble::frame_late, 25)) when = when + weather_.between(kUsual, kLate);
  when = std::max(when, upwards ? line.up_cut : line.down_cut);
  Instant& last = upwards ? line.up_last : line.down_last;
  if (weather_.strikes(Trouble::frame_overtakes, 40)) {
    trace_.say("network lets frames overtake each other at worker " + std::to_string(worker));
    deliver_at(when, worker, upwards, frame);
    last = std::max(last, when);
    return break_soon(worker);
  }
  last = when = std::max(when, last);
  deliver_at(when, worker, upwards, frame);
  if (weather_.strikes(Trouble::frame_doubled, 30)) deliver_at(when, worker, upwards, frame);
  if (weather_.strikes(Trouble::connection_broken, 150)) break_connection(worker);
}

void Network::deliver_at(Instant when, std::size_t worker, bool upwards, const std::string& frame) {
  const std::uint64_t number = lines_[worker].number;
  // One that outlives its connection: it was in a buffer at the far end already.
  const bool lingers = weather_.once_in(3);
  time_.at(when, [this, worker, upwards, frame, number, lingers, routing = lines_[worker].routing] {
    const Line& line = lines_[worker];
    if (line.number != number && !lingers && !(upwards && line.closed == number)) return;
    if (upwards && listening_) ends_.up(routing, frame);
    if (!upwards && line.routing == routing) ends_.down(worker, frame);
  });
}

}  // namespace pirouette::sim
