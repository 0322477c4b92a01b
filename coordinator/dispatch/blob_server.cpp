#include "coordinator/dispatch/blob_server.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "common/wire/complaints.h"
#include "common/wire/frames.h"
#include "common/wire/limits.h"
#include "common/wire/sockets.h"
#include "common/wire/wake.h"

namespace pirouette::dispatch {
namespace {

// A Put that has begun. Its window is filled up again when half of it was used.
struct OpenPut {
  Blobs::Incoming file;
  std::string routing;  // who sends it now
  std::uint64_t size = 0;
  std::uint32_t credit = 0;  // chunks that may still come
  Instant heard_at;
};

wire::BlobMessage failed(const Digest& digest, wire::BlobFailure failure, const std::string& why) {
  wire::BlobMessage message;
  auto& body = *message.mutable_failed();
  body.set_digest(wire::to_bytes(digest));
  body.set_failure(failure);
  body.set_why(wire::shorten(why, wire::kMessageMaxBytes));
  return message;
}

wire::BlobMessage stored(const Digest& digest) {
  wire::BlobMessage message;
  message.mutable_stored()->set_digest(wire::to_bytes(digest));
  return message;
}

wire::BlobFailure failure_of(const Error& error) {
  switch (error.code) {
    case Errc::invalid:
      return wire::REFUSED;
    case Errc::corrupt:
      return wire::CORRUPT;
    case Errc::not_found:
      return wire::NOT_FOUND;
    default:
      return wire::TRY_LATER;
  }
}

}  // namespace

class BlobServer::Impl {
 public:
  Impl(zmq::context_t& context, wire::AuthorizedWorkers* authorized, Blobs blobs,
       KnownBlobs& stored)
      : socket_(context, zmq::socket_type::router),
        authorized_(authorized),
        blobs_(std::move(blobs)),
        stored_(stored) {}
  ~Impl();

  Result<void> start(const std::string& endpoint, const std::optional<wire::KeyPair>& keys);

  std::string endpoint_;
  std::atomic<std::uint64_t> received_{0}, sent_{0};

 private:
  void serve();
  bool receive_one();
  void receive(const std::string& routing, const zmq::message_t& body);
  bool may_use(const zmq::message_t& body);
  void receive_get(const std::string& routing, const Digest& digest, const wire::Get& get);
  void receive_put(const std::string& routing, const Digest& digest, std::uint64_t size);
  void receive_chunk(const std::string& routing, const Digest& digest, const wire::Chunk& chunk);
  void finish(const std::string& routing, const Digest& digest, OpenPut& put);
  void send(const std::string& routing, const wire::BlobMessage& message);
  void close_silent(Instant now);

  zmq::socket_t socket_;
  wire::AuthorizedWorkers* authorized_;
  Blobs blobs_;
  KnownBlobs& stored_;
  std::map<Digest, OpenPut> puts_;
  wire::Complaints complaints_{"blobs"};
  Instant looked_at_{};
  wire::Wake wake_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

Result<void> BlobServer::Impl::start(const std::string& endpoint,
                                     const std::optional<wire::KeyPair>& keys) {
  try {
    wire::set_up_router(socket_, keys, wire::kBlobQueueMax, wire::kBlobFrameMaxBytes);
    socket_.bind(endpoint);
    endpoint_ = socket_.get(zmq::sockopt::last_endpoint);
  } catch (const zmq::error_t& error) {
    return wire::zmq_error("cannot listen on " + endpoint, error);
  }
  thread_ = std::thread([this] { serve(); });
  return {};
}

BlobServer::Impl::~Impl() {
  stopping_ = true;
  wake_.ring();
  if (thread_.joinable()) thread_.join();
}

void BlobServer::Impl::serve() {
  zmq::pollitem_t waits[] = {{socket_.handle(), 0, ZMQ_POLLIN, 0},
                             {nullptr, wake_.fd(), ZMQ_POLLIN, 0}};
  while (!stopping_) {
    try {
      zmq::poll(waits, 2, std::chrono::seconds(1));
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
    while (!stopping_ && receive_one()) {
    }
    const Instant now = monotonic_now();
    if (now - looked_at_ >= seconds(1)) close_silent(now);
  }
}

bool BlobServer::Impl::receive_one() {
  zmq::message_t routing, body, rest;
  if (!socket_.recv(routing, zmq::recv_flags::dontwait)) return false;
  if (!routing.more()) return true;
  if (!socket_.recv(body, zmq::recv_flags::none)) return false;
  for (bool more = body.more(); more; more = rest.more()) {
    if (!socket_.recv(rest, zmq::recv_flags::none)) return false;
  }
  receive(routing.to_string(), body);
  return true;
}

void BlobServer::Impl::receive(const std::string& routing, const zmq::message_t& body) {
  const auto parsed = wire::parse_blob_message({body.data<std::uint8_t>(), body.size()});
  if (!parsed.ok()) return complaints_.say("dropped what a worker sent: " + parsed.error().what);
  const wire::BlobMessage& message = parsed.value();
  const std::string& name = message.has_get()   ? message.get().digest()
                            : message.has_put() ? message.put().digest()
                                                : message.chunk().digest();
  const auto digest = wire::find_digest(name);
  if (!digest) return complaints_.say("dropped a blob message that names no blob");
  if (message.has_chunk()) return receive_chunk(routing, *digest, message.chunk());
  if (!may_use(body)) {
    return send(routing,
                failed(*digest, wire::TRY_LATER, "this worker's key is no longer authorized"));
  }
  if (message.has_get()) return receive_get(routing, *digest, message.get());
  if (message.has_put()) return receive_put(routing, *digest, message.put().size());
}

// A key that was taken out of authorized_workers while its connection stands.
bool BlobServer::Impl::may_use(const zmq::message_t& body) {
  if (!authorized_) return true;
  const char* key = zmq_msg_gets(const_cast<zmq_msg_t*>(body.handle()), "User-Id");
  return key && authorized_->allows(key);
}

void BlobServer::Impl::receive_get(const std::string& routing, const Digest& digest,
                                   const wire::Get& get) {
  const auto found = blobs_.find_size(digest);
  if (!found.ok()) {
    complaints_.say(found.error().what);
    return send(routing, failed(digest, failure_of(found.error()),
                                "the coordinator cannot give it: " + found.error().what));
  }
  const std::uint64_t size = found.value();
  std::uint64_t offset = get.offset();
  const std::uint32_t credit = std::clamp(get.credit(), 1u, kGetCreditMax);
  for (std::uint32_t i = 0; i < credit; ++i) {
    const auto bytes = blobs_.read_range(digest, offset, wire::kChunkBytes);
    if (!bytes.ok()) {
      complaints_.say(bytes.error().what);
      return send(routing, failed(digest, wire::TRY_LATER, bytes.error().what));
    }
    wire::BlobMessage message;
    auto& chunk = *message.mutable_chunk();
    chunk.set_digest(wire::to_bytes(digest));
    chunk.set_offset(offset);
    chunk.set_size(size);
    chunk.set_bytes(bytes.value().data(), bytes.value().size());
    send(routing, message);
    sent_ += bytes.value().size();
    offset += bytes.value().size();
    if (offset >= size) return;
  }
}

void BlobServer::Impl::receive_put(const std::string& routing, const Digest& digest,
                                   std::uint64_t size) {
  if (blobs_.contains_durably(digest)) return send(routing, stored(digest));
  auto found = puts_.find(digest);
  if (found != puts_.end() && found->second.size != size) {
    // Somebody lies about the size; the hash will tell who, so begin again with the newer word.
    puts_.erase(found);
    found = puts_.end();
  }
  if (found == puts_.end()) {
    if (puts_.size() >= kPutsOpenMax) {
      complaints_.say(std::to_string(kPutsOpenMax) + " results arrive at once (kPutsOpenMax)");
      return send(routing, failed(digest, wire::TRY_LATER, "too many transfers at once"));
    }
    auto file = blobs_.receive(digest, size);
    if (!file.ok()) {
      complaints_.say(file.error().what);
      return send(routing, failed(digest, failure_of(file.error()), file.error().what));
    }
    found = puts_.emplace(digest, OpenPut{std::move(file).value(), routing, size, 0, {}}).first;
  }
  OpenPut& put = found->second;
  put.routing = routing;
  put.heard_at = monotonic_now();
  put.credit = wire::kCreditChunks;
  if (put.file.received() == size) return finish(routing, digest, put);
  wire::BlobMessage message;
  auto& resume = *message.mutable_resume();
  resume.set_digest(wire::to_bytes(digest));
  resume.set_offset(put.file.received());
  resume.set_credit(put.credit);
  send(routing, message);
}

void BlobServer::Impl::receive_chunk(const std::string& routing, const Digest& digest,
                                     const wire::Chunk& chunk) {
  const auto found = puts_.find(digest);
  if (found == puts_.end() || found->second.routing != routing) {
    if (blobs_.contains_durably(digest)) return send(routing, stored(digest));
    return;  // given up or taken over; its sender asks again when it hears nothing
  }
  OpenPut& put = found->second;
  if (chunk.offset() != put.file.received()) return;  // sent before a Resume that it did not know
  if (chunk.bytes().empty() || put.credit == 0) {
    complaints_.say("dropped a chunk that is empty or beyond the credit");
    return;
  }
  put.heard_at = monotonic_now();
  --put.credit;
  const auto appended = put.file.append(
      {reinterpret_cast<const std::uint8_t*>(chunk.bytes().data()), chunk.bytes().size()});
  if (!appended.ok()) {
    complaints_.say(appended.error().what);
    puts_.erase(found);
    return send(routing, failed(digest, failure_of(appended.error()), appended.error().what));
  }
  received_ += chunk.bytes().size();
  if (put.file.received() == put.size) return finish(routing, digest, put);
  if (put.credit > wire::kCreditChunks / 2) return;
  wire::BlobMessage message;
  auto& more = *message.mutable_more();
  more.set_digest(wire::to_bytes(digest));
  more.set_credit(wire::kCreditChunks - put.credit);
  put.credit = wire::kCreditChunks;
  send(routing, message);
}

// Ends the Put either way: put is gone afterwards.
void BlobServer::Impl::finish(const std::string& routing, const Digest& digest, OpenPut& put) {
  const auto outcome = put.file.finish();
  puts_.erase(digest);
  if (outcome.ok()) {
    stored_.note(digest);  // before its worker can say that the job is finished
    return send(routing, stored(digest));
  }
  complaints_.say(outcome.error().what);
  send(routing, failed(digest, failure_of(outcome.error()), outcome.error().what));
}

// A message to a process that is gone or does not read is dropped: whoever misses it asks again.
void BlobServer::Impl::send(const std::string& routing, const wire::BlobMessage& message) {
  zmq::message_t body(message.ByteSizeLong());
  message.SerializeWithCachedSizesToArray(body.data<std::uint8_t>());
  try {
    const auto flags = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
    if (socket_.send(zmq::buffer(routing), flags) &&
        socket_.send(body, zmq::send_flags::dontwait)) {
      return;
    }
  } catch (const zmq::error_t& error) {
    if (error.num() != EHOSTUNREACH) throw;
  }
  complaints_.say("a worker is gone or does not read its chunks");
}

void BlobServer::Impl::close_silent(Instant now) {
  looked_at_ = now;
  std::erase_if(puts_,
                [&](const auto& entry) { return now - entry.second.heard_at > kPutSilentMax; });
}

BlobServer::BlobServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BlobServer::~BlobServer() = default;

Result<std::unique_ptr<BlobServer>> BlobServer::start(zmq::context_t& context,
                                                      const std::string& endpoint,
                                                      const std::optional<wire::KeyPair>& keys,
                                                      wire::AuthorizedWorkers* authorized,
                                                      Blobs blobs, KnownBlobs& stored) {
  try {
    auto impl = std::make_unique<Impl>(context, authorized, std::move(blobs), stored);
    TRY(impl->start(endpoint, keys));
    return std::unique_ptr<BlobServer>(new BlobServer(std::move(impl)));
  } catch (const zmq::error_t& error) {
    return wire::zmq_error("cannot open the blob socket", error);
  }
}

const std::string& BlobServer::endpoint() const { return impl_->endpoint_; }
std::uint64_t BlobServer::bytes_received() const { return impl_->received_; }
std::uint64_t BlobServer::bytes_sent() const { return impl_->sent_; }

}  // namespace pirouette::dispatch
