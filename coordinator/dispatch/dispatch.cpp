#include "coordinator/dispatch/dispatch.h"

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <zmq.hpp>

#include "common/clock.h"
#include "common/known_blobs.h"
#include "common/wire/complaints.h"
#include "common/wire/limits.h"
#include "common/wire/sockets.h"
#include "common/wire/wake.h"
#include "coordinator/dispatch/blob_server.h"
#include "coordinator/dispatch/gate.h"
#include "coordinator/dispatch/links.h"
#include "coordinator/dispatch/messages.h"

namespace pirouette::dispatch {
namespace {

// Frames taken from the socket before the events go to the loop. More than 64 busy workers send
// while the loop commits once (about 1 ms), and small enough that answers are not held up.
constexpr int kDrainMaxFrames = 1024;
// Frames of a process that cannot be read, without a Hello between them, before it is turned away.
// Some may have been on their way when the first one cut its link; a Hello that cannot be read
// comes again with every heartbeat.
constexpr std::uint32_t kUnreadableMax = 4;
// So few messages are sent by the thread that brings them, if the socket is not in use just then:
// that is one thread fewer to wake before a job of an idle farm starts. More would keep the loop
// from its next round.
constexpr std::size_t kSentAtOnceMax = 4;
// How often links are looked over for silence and for keys taken away.
constexpr Duration kLookOver = seconds(1);

wire::Bytes bytes_of(const zmq::message_t& message) {
  return {message.data<std::uint8_t>(), message.size()};
}

}  // namespace

class Dispatch::Impl {
 public:
  Impl(Blobs blobs, OnEvents on_events)
      : blobs_(blobs),
        stored_(std::move(blobs), &Blobs::contains_durably),
        on_events_(std::move(on_events)) {}
  ~Impl();

  Result<void> start(const Config& config);
  void send(std::vector<core::Send>&& sends);

  const Endpoints& endpoints() const { return endpoints_; }
  Counts counts() const;

 private:
  Result<std::optional<wire::KeyPair>> open_keys(const Config& config);

  void serve();
  void wait();

  // All below: under socket_mutex_.
  bool has_input();
  void receive_all();
  void receive_frame(const std::string& routing, const zmq::message_t& body,
                     std::vector<core::Event>& events);
  void receive_hello(const std::string& routing, const zmq::message_t& body,
                     const wire::Hello& hello, std::vector<core::Event>& events);
  void receive_unreadable(const std::string& routing, const Error& error);
  void ask_for_hello(const std::string& routing);
  void send_all();
  void send_to(LinkId id, const std::vector<const core::Send*>& sends);
  bool transmit(const std::string& routing, const wire::CoordinatorFrame& frame);
  void answer(const std::string& routing, const wire::CoordinatorFrame& frame);
  void turn_away(const std::string& routing, const std::string& worker, const std::string& why);
  void look_over_links(Instant now);

  Blobs blobs_;
  KnownBlobs stored_;
  OnEvents on_events_;
  Endpoints endpoints_;

  zmq::context_t context_;
  std::unique_ptr<wire::AuthorizedWorkers> authorized_;  // null: plain
  std::unique_ptr<Gate> gate_;
  std::unique_ptr<BlobServer> blob_server_;

  // Once the thread runs, what follows is under it. Taken before mutex_.
  std::mutex socket_mutex_;
  std::optional<zmq::socket_t> socket_;
  Links links_{kLinksMax};
  // By routing id: frames that could not be read since the last Hello.
  std::map<std::string, std::uint32_t> unreadable_;
  wire::Complaints complaints_{"dispatch"};
  Instant looked_over_at_{};

  int socket_fd_ = -1;
  bool input_left_ = false;  // the dispatch thread's
  wire::Wake wake_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<core::Send> waiting_;  // under mutex_
  struct {
    std::atomic<std::uint64_t> received{0}, sent{0}, malformed{0}, cut{0};
  } counters_;
  std::thread thread_;
};

Result<std::optional<wire::KeyPair>> Dispatch::Impl::open_keys(const Config& config) {
  if (config.plain) {
    for (const std::string& endpoint : {config.control_endpoint, config.blob_endpoint}) {
      if (wire::is_loopback(endpoint)) continue;
      return Error{Errc::invalid, "will not speak unencrypted on " + endpoint +
                                      ", which others can reach; bind to tcp://127.0.0.1, or leave "
                                      "plain off"};
    }
    return std::optional<wire::KeyPair>();
  }
  const wire::KeyPair keys = TRY(wire::open_coordinator_keys(config.keys));
  authorized_ = TRY(wire::AuthorizedWorkers::open(config.keys / "authorized_workers"));
  return std::optional(keys);
}

Result<void> Dispatch::Impl::start(const Config& config) {
  const auto keys = TRY(open_keys(config));
  try {
    if (keys) gate_ = std::make_unique<Gate>(context_, *authorized_);
    socket_.emplace(context_, zmq::socket_type::router);
    wire::set_up_router(*socket_, keys, wire::kControlQueueMax, wire::kControlFrameMaxBytes);
    socket_->bind(config.control_endpoint);
    endpoints_.control = socket_->get(zmq::sockopt::last_endpoint);
    socket_fd_ = socket_->get(zmq::sockopt::fd);
  } catch (const zmq::error_t& error) {
    return wire::zmq_error("cannot listen on " + config.control_endpoint, error);
  }
  blob_server_ = TRY(
      BlobServer::start(context_, config.blob_endpoint, keys, authorized_.get(), blobs_, stored_));
  endpoints_.blob = blob_server_->endpoint();
  thread_ = std::thread([this] { serve(); });
  return {};
}

Dispatch::Impl::~Impl() {
  stopping_ = true;
  wake_.ring();
  if (thread_.joinable()) thread_.join();
  socket_.reset();
  blob_server_.reset();
  context_.shutdown();
  gate_.reset();
}

void Dispatch::Impl::send(std::vector<core::Send>&& sends) {
  if (sends.empty()) return;
  const bool few = sends.size() <= kSentAtOnceMax;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = waiting_.empty();
    if (first) {
      waiting_ = std::move(sends);
    } else {
      std::move(sends.begin(), sends.end(), std::back_inserter(waiting_));
    }
  }
  if (!first) return;  // who brought the first one sees to all
  std::unique_lock socket(socket_mutex_, std::defer_lock);
  if (!few || !socket.try_lock()) return wake_.ring();
  send_all();
  // Sending may have taken in the news of what came, which the thread is then not told again.
  if (has_input()) wake_.ring();
}

Counts Dispatch::Impl::counts() const {
  Counts counts;
  counts.frames_received = counters_.received;
  counts.frames_sent = counters_.sent;
  counts.messages_malformed = counters_.malformed;
  counts.links_cut = counters_.cut;
  counts.keys_refused = gate_ ? gate_->refused() : 0;
  counts.blob_bytes_received = blob_server_->bytes_received();
  counts.blob_bytes_sent = blob_server_->bytes_sent();
  return counts;
}

void Dispatch::Impl::serve() {
  while (!stopping_) {
    wait();
    const std::lock_guard socket(socket_mutex_);
    wake_.clear();
    send_all();
    receive_all();
    const Instant now = monotonic_now();
    if (now - looked_over_at_ >= kLookOver) look_over_links(now);
    input_left_ = has_input();
  }
  const std::lock_guard socket(socket_mutex_);
  send_all();
}

// Not zmq::poll, which looks into the socket: while this thread sleeps, others may use it. The
// descriptor only tells that something changed, hence has_input() before each wait.
void Dispatch::Impl::wait() {
  pollfd waits[] = {{socket_fd_, POLLIN, 0}, {wake_.fd(), POLLIN, 0}};
  const int most_ms = input_left_ ? 0 : static_cast<int>(kLookOver.us / 1000);
  PIROUETTE_CHECK(::poll(waits, 2, most_ms) >= 0 || errno == EINTR);
}

bool Dispatch::Impl::has_input() { return (socket_->get(zmq::sockopt::events) & ZMQ_POLLIN) != 0; }

void Dispatch::Impl::receive_all() {
  std::vector<core::Event> events;
  zmq::message_t routing, body, rest;
  for (int frames = 0; frames < kDrainMaxFrames; ++frames) {
    if (!socket_->recv(routing, zmq::recv_flags::dontwait)) break;
    if (!routing.more()) continue;
    // Parts of one message arrive together, so these do not wait.
    if (!socket_->recv(body, zmq::recv_flags::none)) break;
    for (bool more = body.more(); more; more = rest.more()) {
      if (!socket_->recv(rest, zmq::recv_flags::none)) break;
    }
    ++counters_.received;
    receive_frame(routing.to_string(), body, events);
  }
  if (!events.empty()) on_events_(std::move(events));
}

void Dispatch::Impl::receive_frame(const std::string& routing, const zmq::message_t& body,
                                   std::vector<core::Event>& events) {
  const auto frame = wire::parse_worker_frame(bytes_of(body));
  if (!frame.ok()) return receive_unreadable(routing, frame.error());
  bool asked_for_hello = false;
  for (const wire::WorkerMessage& message : frame.value().messages()) {
    if (message.has_hello()) {
      receive_hello(routing, body, message.hello(), events);
      continue;
    }
    const Link* link = links_.find(routing);
    if (!link) {
      if (!asked_for_hello) ask_for_hello(routing);
      asked_for_hello = true;
      continue;
    }
    const LinkId id = link->id;
    links_.heard(id, monotonic_now());
    auto event = read_message(message, id, [this](const Digest& d) { return stored_.contains(d); });
    if (!event.ok()) {
      ++counters_.malformed;
      complaints_.say("dropped what worker " + link->worker + " sent: " + event.error().what);
      continue;
    }
    if (message.has_heartbeat()) {
      wire::CoordinatorFrame echo;
      echo.add_messages()->mutable_heartbeat();
      answer(routing, echo);
    }
    if (auto& said = event.value()) events.push_back(std::move(*said));
    if (message.has_goodbye()) links_.close(id);
  }
}

// Such a frame may have said anything, so its link starts over: the Hello says what is held and
// what is finished. What stays unreadable without a link is the Hello itself, which no asking
// heals.
void Dispatch::Impl::receive_unreadable(const std::string& routing, const Error& error) {
  ++counters_.malformed;
  complaints_.say("dropped what a worker sent, it has to say hello again: " + error.what);
  if (const Link* link = links_.find(routing)) {
    ++counters_.cut;
    links_.close(link->id);
  }
  if (unreadable_.size() >= kLinksMax) unreadable_.clear();
  const std::uint32_t count = ++unreadable_[routing];
  if (count == 1) return ask_for_hello(routing);
  if (count < kUnreadableMax) return;
  unreadable_.erase(routing);
  turn_away(routing, "without a name",
            "the coordinator cannot read what this worker says; install the coordinator's version "
            "on this machine");
}

void Dispatch::Impl::ask_for_hello(const std::string& routing) {
  wire::CoordinatorFrame question;
  question.add_messages()->mutable_hello_wanted();
  answer(routing, question);
}

void Dispatch::Impl::receive_hello(const std::string& routing, const zmq::message_t& body,
                                   const wire::Hello& hello, std::vector<core::Event>& events) {
  const auto name = check_hello(hello);
  if (!name.ok()) return turn_away(routing, wire::shorten(hello.name(), 40), name.error().what);
  if (const Link* other = links_.find_worker(name.value()); other && other->routing != routing) {
    // The newer one wins: most often the older one was killed and started again.
    const Link older = *other;
    turn_away(older.routing, older.worker,
              "another process has joined under the name " + older.worker +
                  "; give each worker process a name of its own");
    links_.close(older.id);
  }
  const char* key = zmq_msg_gets(const_cast<zmq_msg_t*>(body.handle()), "User-Id");
  const Link* link = links_.open(routing, name.value(), key ? key : "", monotonic_now());
  if (!link) {
    return turn_away(routing, name.value(),
                     "the coordinator has its " + std::to_string(kLinksMax) +
                         " workers (kLinksMax); start it in another farm");
  }
  unreadable_.erase(routing);
  log::debug("dispatch", "worker " + link->worker + " said hello");
  read_hello(
      hello, link->id, [this](const Digest& d) { return stored_.contains(d); }, events);
}

void Dispatch::Impl::send_all() {
  std::vector<core::Send> sends;
  {
    const std::lock_guard lock(mutex_);
    sends.swap(waiting_);
  }
  if (sends.empty()) return;
  std::map<LinkId, std::vector<const core::Send*>> by_link;
  for (const core::Send& send : sends) by_link[link_of(send)].push_back(&send);
  for (const auto& [id, theirs] : by_link) send_to(id, theirs);
}

void Dispatch::Impl::send_to(LinkId id, const std::vector<const core::Send*>& sends) {
  const Link* found = links_.find(id);
  if (!found) return;
  const Link link = *found;
  wire::CoordinatorFrame frame;
  std::size_t bytes = 0;
  bool hello_wanted = false;
  bool reached = true;
  for (const core::Send* send : sends) {
    wire::CoordinatorMessage& message = *frame.add_messages();
    write_message(*send, message);
    hello_wanted |= message.has_hello_wanted();
    bytes += message.ByteSizeLong();
    if (bytes >= wire::kControlFrameFullBytes || frame.messages_size() == wire::kFrameMaxMessages) {
      reached = reached && transmit(link.routing, frame);
      frame.clear_messages();
      bytes = 0;
    }
  }
  if (frame.messages_size() > 0) reached = reached && transmit(link.routing, frame);
  if (!reached) {
    ++counters_.cut;
    complaints_.say("worker " + link.worker +
                    " is gone or does not read what it is sent; it has to say hello again");
  }
  // What comes under a link that the core does not know, or that lost a message, is of no use.
  if (!reached || hello_wanted) links_.close(id);
}

// False when the process is gone, or its queue is full.
bool Dispatch::Impl::transmit(const std::string& routing, const wire::CoordinatorFrame& frame) {
  zmq::message_t body(frame.ByteSizeLong());
  frame.SerializeWithCachedSizesToArray(body.data<std::uint8_t>());
  try {
    const auto flags = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
    if (!socket_->send(zmq::buffer(routing), flags)) return false;
    if (!socket_->send(body, zmq::send_flags::dontwait)) return false;
  } catch (const zmq::error_t& error) {
    if (error.num() == EHOSTUNREACH) return false;
    throw;
  }
  ++counters_.sent;
  return true;
}

// For messages that may be lost: their asker asks again.
void Dispatch::Impl::answer(const std::string& routing, const wire::CoordinatorFrame& frame) {
  if (!transmit(routing, frame))
    complaints_.say("a worker did not get an answer: it is gone or full");
}

void Dispatch::Impl::turn_away(const std::string& routing, const std::string& worker,
                               const std::string& why) {
  log::warn("dispatch", "turned away worker " + worker + ": " + why);
  wire::CoordinatorFrame frame;
  frame.add_messages()->mutable_turned()->set_why(wire::shorten(why, wire::kMessageMaxBytes));
  answer(routing, frame);
}

void Dispatch::Impl::look_over_links(Instant now) {
  looked_over_at_ = now;
  links_.forget_silent(now);
  if (!authorized_) return;
  for (const Link& link : links_.all()) {
    if (authorized_->allows(link.key)) continue;
    turn_away(link.routing, link.worker, "its key is no longer in authorized_workers");
    links_.close(link.id);
  }
}

Dispatch::Dispatch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Dispatch::~Dispatch() = default;

Result<std::unique_ptr<Dispatch>> Dispatch::start(const Config& config, Blobs blobs,
                                                  OnEvents on_events) {
  auto impl = std::make_unique<Impl>(std::move(blobs), std::move(on_events));
  TRY(impl->start(config));
  return std::unique_ptr<Dispatch>(new Dispatch(std::move(impl)));
}

void Dispatch::send(std::vector<core::Send>&& sends) { impl_->send(std::move(sends)); }
const Endpoints& Dispatch::endpoints() const { return impl_->endpoints(); }
Counts Dispatch::counts() const { return impl_->counts(); }

}  // namespace pirouette::dispatch
