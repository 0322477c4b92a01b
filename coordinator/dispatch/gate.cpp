#include "coordinator/dispatch/gate.h"

#include <array>
#include <vector>

#include "common/wire/complaints.h"

namespace pirouette::dispatch {
namespace {

// ZAP 1.0's frames: version, request, domain, address, identity, mechanism, credentials.
constexpr std::size_t kRequestFrames = 7;
enum Frame { kVersion, kRequest, kDomain, kAddress, kIdentity, kMechanism, kCredentials };

std::string z85(std::string_view raw) {
  if (raw.size() != 32) return "";
  std::array<char, wire::kKeyLength + 1> text{};
  zmq_z85_encode(text.data(), reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size());
  return text.data();
}

// A whole message; false once the context is shut down.
bool receive(zmq::socket_t& socket, std::vector<std::string>& frames) {
  frames.clear();
  try {
    zmq::message_t part;
    do {
      if (!socket.recv(part)) return false;
      frames.push_back(part.to_string());
    } while (part.more());
    return true;
  } catch (const zmq::error_t& error) {
    if (error.num() == EINTR) return receive(socket, frames);
    if (error.num() == ETERM) return false;
    throw;  // a gate that cannot answer must not be left open: this ends the process
  }
}

}  // namespace

Gate::Gate(zmq::context_t& context, wire::AuthorizedWorkers& authorized)
    : socket_(context, zmq::socket_type::rep), authorized_(authorized) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind("inproc://zeromq.zap.01");
  thread_ = std::thread([this] { serve(); });
}

Gate::~Gate() { thread_.join(); }

void Gate::serve() {
  wire::Complaints complaints("dispatch");
  std::vector<std::string> frames;
  while (receive(socket_, frames)) {
    const bool curve = frames.size() == kRequestFrames && frames[kMechanism] == "CURVE";
    const std::string key = curve ? z85(frames[kCredentials]) : "";
    const bool allowed = !key.empty() && authorized_.allows(key);
    if (!allowed) {
      ++refused_;
      complaints.say("turned away a connection from " +
                     (frames.size() > kAddress ? frames[kAddress] : "somewhere") + " with key " +
                     (key.empty() ? "(none)" : key) +
                     "; to let it in, add the key to authorized_workers");
    }
    const std::array<std::string, 6> answer = {"1.0",
                                               frames.size() > kRequest ? frames[kRequest] : "",
                                               allowed ? "200" : "400",
                                               allowed ? "OK" : "key not authorized",
                                               key,
                                               ""};
    for (std::size_t i = 0; i < answer.size(); ++i) {
      const auto flags = i + 1 < answer.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      try {
        socket_.send(zmq::buffer(answer[i]), flags);
      } catch (const zmq::error_t& error) {
        if (error.num() == ETERM) break;
        throw;
      }
    }
  }
  socket_.close();  // by the thread that used it
}

}  // namespace pirouette::dispatch
