#include "worker/link/blob_client.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <thread>

#include "common/clock.h"
#include "common/wire/complaints.h"
#include "common/wire/frames.h"
#include "common/wire/limits.h"
#include "common/wire/sockets.h"
#include "common/wire/wake.h"
#include "worker/link/connection.h"

namespace pirouette::link {
namespace {

// After "try later": a full disk or a crowd takes at least this long to go away.
constexpr Duration kTryLater = seconds(2);

struct Transfer {
  Digest digest;
  Instant ask_at{};       // ask (again) when nothing is heard until then
  bool is_asked = false;  // over the connection that stands, as far as is known
  Duration patience = kAskAgain;
  Instant moved_at{};          // the last byte
  std::uint64_t asked_to = 0;  // fetch: bytes asked for so far
  std::uint64_t size = 0;
  std::uint64_t offset = 0;             // put: the next byte to send
  std::optional<Blobs::Incoming> file;  // fetch: since the first chunk
};

}  // namespace

class BlobClient::Impl {
 public:
  Impl(zmq::context_t& context, const std::string& endpoint,
       const std::optional<wire::WorkerKeys>& keys, BlobCache& cache, Blobs pictures,
       OnEvent on_event)
      : connection_(context, endpoint, keys, wire::kBlobQueueMax, wire::kBlobFrameMaxBytes),
        cache_(cache),
        pictures_(std::move(pictures)),
        on_event_(std::move(on_event)) {
    thread_ = std::thread([this] { serve(); });
  }

  ~Impl() {
    stopping_ = true;
    wake_.ring();
    thread_.join();
  }

  void want(std::deque<Digest> Impl::*queue, const Digest& digest) {
    {
      const std::lock_guard lock(mutex_);
      std::deque<Digest>& wanted = this->*queue;
      if (std::find(wanted.begin(), wanted.end(), digest) != wanted.end()) return;
      wanted.push_back(digest);
    }
    wake_.ring();
  }

  std::deque<Digest> fetches_, puts_;  // under mutex_; not begun yet

 private:
  void serve();
  std::chrono::milliseconds wait() const;
  void begin(std::optional<Transfer>& transfer, std::deque<Digest>& queue);
  void hear(Connection::News news);
  void ask_where_due();
  void ask_fetch();
  void ask_put();
  void receive(const wire::BlobMessage& message);
  void receive_chunk(const wire::Chunk& chunk);
  void receive_failed(const Digest& digest, const wire::BlobFailed& failed);
  void put_unread(const Error& error);
  void send_chunks(std::uint32_t credit);
  bool send(const wire::BlobMessage& message);
  void end_fetch(agent::Event event);
  void end_put(agent::Event event);
  static void moved(Transfer& transfer);

  Connection connection_;
  BlobCache& cache_;
  Blobs pictures_;
  OnEvent on_event_;
  std::optional<Transfer> fetch_, put_;
  wire::Complaints complaints_{"blobs"};
  wire::Wake wake_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::thread thread_;
};

void BlobClient::Impl::serve() {
  zmq::socket_t& socket = connection_.socket();
  zmq::pollitem_t waits[] = {{socket.handle(), 0, ZMQ_POLLIN, 0},
                             {connection_.monitor().handle(), 0, ZMQ_POLLIN, 0},
                             {nullptr, wake_.fd(), ZMQ_POLLIN, 0}};
  zmq::message_t message;
  while (!stopping_) {
    try {
      zmq::poll(waits, 3, wait());
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
    wake_.clear();
    for (const Connection::News news : connection_.read_news()) hear(news);
    while (!stopping_ && socket.recv(message, zmq::recv_flags::dontwait)) {
      const auto parsed = wire::parse_blob_message({message.data<std::uint8_t>(), message.size()});
      if (parsed.ok()) {
        receive(parsed.value());
      } else {
        complaints_.say("dropped what the coordinator sent: " + parsed.error().what);
      }
    }
    begin(fetch_, fetches_);
    begin(put_, puts_);
    ask_where_due();
  }
}

std::chrono::milliseconds BlobClient::Impl::wait() const {
  Instant at = monotonic_now() + seconds(1);
  if (fetch_) at = std::min(at, fetch_->ask_at);
  if (put_) at = std::min(at, put_->ask_at);
  return std::chrono::milliseconds(std::max<std::int64_t>(0, (at - monotonic_now()).us / 1000 + 1));
}

void BlobClient::Impl::begin(std::optional<Transfer>& transfer, std::deque<Digest>& queue) {
  if (transfer) return;
  const std::lock_guard lock(mutex_);
  if (queue.empty()) return;
  transfer.emplace();
  transfer->digest = queue.front();
  transfer->ask_at = transfer->moved_at = monotonic_now();
  queue.pop_front();
}

// What was on its way over the old connection is lost. A new one can have been asked over before
// the news of it comes.
void BlobClient::Impl::hear(Connection::News news) {
  for (std::optional<Transfer>* transfer : {&fetch_, &put_}) {
    if (!*transfer) continue;
    if (news == Connection::News::down) {
      (*transfer)->is_asked = false;
    } else if (!(*transfer)->is_asked) {
      (*transfer)->ask_at = monotonic_now();
      (*transfer)->patience = kAskAgain;
    }
  }
}

void BlobClient::Impl::ask_where_due() {
  const Instant now = monotonic_now();
  for (auto [transfer, ask] : {std::pair{&fetch_, &Impl::ask_fetch}, {&put_, &Impl::ask_put}}) {
    if (!*transfer || (*transfer)->ask_at > now) continue;
    (*transfer)->ask_at = now + (*transfer)->patience;
    (*transfer)->patience = std::min((*transfer)->patience * 2, kAskAgainMax);
    (this->*ask)();
  }
}

void BlobClient::Impl::moved(Transfer& transfer) {
  transfer.moved_at = monotonic_now();
  transfer.patience = kAskAgain;
  transfer.ask_at = transfer.moved_at + transfer.patience;
}

void BlobClient::Impl::ask_fetch() {
  if (cache_.contains(fetch_->digest)) return end_fetch(agent::ReferenceFetched{fetch_->digest});
  if (monotonic_now() - fetch_->moved_at > kFetchMax) {
    return end_fetch(agent::ReferenceFailed{fetch_->digest, agent::FailureClass::retryable,
                                            "no byte of the " + std::string(cache_.noun()) +
                                                " came in " +
                                                std::to_string(kFetchMax.us / 1'000'000) + " s"});
  }
  wire::BlobMessage message;
  auto& get = *message.mutable_get();
  get.set_digest(wire::to_bytes(fetch_->digest));
  get.set_offset(fetch_->file ? fetch_->file->received() : 0);
  get.set_credit(wire::kCreditChunks);
  fetch_->asked_to = get.offset() + wire::kCreditChunks * wire::kChunkBytes;
  // Without a connection: soon again, that is cheap.
  fetch_->is_asked = send(message);
  if (!fetch_->is_asked) fetch_->ask_at = monotonic_now() + milliseconds(100);
}

void BlobClient::Impl::ask_put() {
  const auto size = pictures_.find_size(put_->digest);
  if (!size.ok()) return put_unread(size.error());
  put_->size = size.value();
  wire::BlobMessage message;
  auto& put = *message.mutable_put();
  put.set_digest(wire::to_bytes(put_->digest));
  put.set_size(put_->size);
  put_->is_asked = send(message);
  if (!put_->is_asked) put_->ask_at = monotonic_now() + milliseconds(100);
}

void BlobClient::Impl::receive(const wire::BlobMessage& message) {
  const auto is_put = [&](const std::string& digest) {
    return put_ && wire::find_digest(digest) == put_->digest;
  };
  switch (message.kind_case()) {
    case wire::BlobMessage::kChunk:
      if (fetch_ && wire::find_digest(message.chunk().digest()) == fetch_->digest) {
        receive_chunk(message.chunk());
      }
      return;
    case wire::BlobMessage::kResume:
      if (!is_put(message.resume().digest())) return;
      put_->offset = message.resume().offset();
      return send_chunks(message.resume().credit());
    case wire::BlobMessage::kMore:
      if (is_put(message.more().digest())) send_chunks(message.more().credit());
      return;
    case wire::BlobMessage::kStored:
      if (is_put(message.stored().digest())) end_put(agent::BlobStored{put_->digest});
      return;
    case wire::BlobMessage::kFailed:
      if (const auto digest = wire::find_digest(message.failed().digest())) {
        receive_failed(*digest, message.failed());
      }
      return;
    default:
      complaints_.say("the coordinator sent a message of a kind that is not for workers");
  }
}

void BlobClient::Impl::receive_chunk(const wire::Chunk& chunk) {
  const auto fail = [&](agent::FailureClass failure, const std::string& why) {
    end_fetch(agent::ReferenceFailed{fetch_->digest, failure, why});
  };
  if (!fetch_->file) {
    auto file = cache_.receive(fetch_->digest, chunk.size());
    if (!file.ok()) return fail(agent::FailureClass::worker, file.error().what);
    fetch_->file.emplace(std::move(file).value());
    fetch_->size = chunk.size();
    // A transfer that was cut off before: these first chunks are here already.
    if (fetch_->file->received() > 0) return ask_fetch();
  }
  Blobs::Incoming& file = *fetch_->file;
  if (chunk.offset() != file.received() || chunk.size() != fetch_->size) return;
  const auto appended = file.append(
      {reinterpret_cast<const std::uint8_t*>(chunk.bytes().data()), chunk.bytes().size()});
  if (!appended.ok()) return fail(agent::FailureClass::worker, appended.error().what);
  moved(*fetch_);
  if (file.received() == fetch_->size) {
    const auto finished = file.finish();
    if (!finished.ok()) return fail(agent::FailureClass::retryable, finished.error().what);
    cache_.came(fetch_->digest, fetch_->size);
    return end_fetch(agent::ReferenceFetched{fetch_->digest});
  }
  // Ask for more when half of what was asked for is here.
  const std::uint64_t half = wire::kCreditChunks / 2 * wire::kChunkBytes;
  if (fetch_->asked_to >= fetch_->size || fetch_->asked_to - file.received() > half) return;
  wire::BlobMessage message;
  auto& get = *message.mutable_get();
  get.set_digest(wire::to_bytes(fetch_->digest));
  get.set_offset(fetch_->asked_to);
  get.set_credit(wire::kCreditChunks / 2);
  if (send(message)) fetch_->asked_to += half;
}

void BlobClient::Impl::receive_failed(const Digest& digest, const wire::BlobFailed& failed) {
  const std::string why = wire::shorten(failed.why(), wire::kMessageMaxBytes);
  if (fetch_ && fetch_->digest == digest) {
    if (failed.failure() == wire::TRY_LATER) {
      fetch_->ask_at = monotonic_now() + kTryLater;
      return complaints_.say(why);
    }
    // Not the job's fault: the coordinator's blob folder may be away for a while.
    return end_fetch(agent::ReferenceFailed{digest, agent::FailureClass::retryable, why});
  }
  if (!put_ || put_->digest != digest) return;
  complaints_.say("the coordinator did not take a picture: " + why);
  if (failed.failure() == wire::REFUSED) return end_put(agent::BlobLost{digest, why});
  if (failed.failure() == wire::CORRUPT) {
    // Damaged on the way, or here?
    if (const auto ours = pictures_.read(digest); !ours.ok()) return put_unread(ours.error());
  }
  put_->ask_at = monotonic_now() + kTryLater;
}

// Only a picture that is gone or damaged is lost. Any other trouble may pass: the next one has its
// turn, and this one comes again after it.
void BlobClient::Impl::put_unread(const Error& error) {
  if (error.code == Errc::not_found || error.code == Errc::corrupt) {
    return end_put(agent::BlobLost{put_->digest, "its picture is lost: " + error.what});
  }
  complaints_.say("cannot hand in a picture yet: " + error.what);
  {
    const std::lock_guard lock(mutex_);
    puts_.push_back(put_->digest);
  }
  put_.reset();
  begin(put_, puts_);
  put_->ask_at = monotonic_now() + kTryLater;
}

void BlobClient::Impl::send_chunks(std::uint32_t credit) {
  moved(*put_);
  for (std::uint32_t i = 0; i < std::min(credit, wire::kCreditChunks); ++i) {
    if (put_->offset >= put_->size) return;  // all sent: Stored comes, or it is asked for again
    const auto bytes = pictures_.read_range(put_->digest, put_->offset, wire::kChunkBytes);
    if (!bytes.ok()) return put_unread(bytes.error());
    wire::BlobMessage message;
    auto& chunk = *message.mutable_chunk();
    chunk.set_digest(wire::to_bytes(put_->digest));
    chunk.set_offset(put_->offset);
    chunk.set_size(put_->size);
    chunk.set_bytes(bytes.value().data(), bytes.value().size());
    if (!send(message)) return;
    put_->offset += bytes.value().size();
  }
}

// False without a connection, or while the socket is full.
bool BlobClient::Impl::send(const wire::BlobMessage& message) {
  return connection_.socket()
      .send(zmq::buffer(message.SerializeAsString()), zmq::send_flags::dontwait)
      .has_value();
}

void BlobClient::Impl::end_fetch(agent::Event event) {
  fetch_.reset();
  on_event_(std::move(event));
}

void BlobClient::Impl::end_put(agent::Event event) {
  put_.reset();
  on_event_(std::move(event));
}

BlobClient::BlobClient(zmq::context_t& context, const std::string& endpoint,
                       const std::optional<wire::WorkerKeys>& keys, BlobCache& cache,
                       Blobs pictures, OnEvent on_event)
    : impl_(std::make_unique<Impl>(context, endpoint, keys, cache, std::move(pictures),
                                   std::move(on_event))) {}
BlobClient::~BlobClient() = default;

void BlobClient::fetch(const Digest& digest) { impl_->want(&Impl::fetches_, digest); }
void BlobClient::put(const Digest& digest) { impl_->want(&Impl::puts_, digest); }

}  // namespace pirouette::link
