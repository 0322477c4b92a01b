#include "coordinator/http/connections.h"

#include "common/log.h"
#include "common/result.h"
#include "coordinator/http/limits.h"

namespace pirouette::http {

ConnectionThreads::~ConnectionThreads() { stop(); }

void ConnectionThreads::enqueue(std::function<void()> serve_connection) {
  std::unique_lock lock(mutex_);
  if (waiting_.size() >= kConnectionsWaitingMax && !stopping_) {
    log::warn("http", std::to_string(waiting_.size()) +
                          " connections wait for a thread; new ones wait in the kernel");
    room_.wait(lock, [&] { return waiting_.size() < kConnectionsWaitingMax || stopping_; });
  }
  waiting_.push_back(std::move(serve_connection));
  start_where_wanted();
  work_.notify_one();
}

void ConnectionThreads::start_where_wanted() {
  if (stopping_) return;
  join_finished();
  const std::size_t serving = threads_.size() - streams_;
  if (waiting_.size() <= idle_ || serving >= kHttpThreads) return;
  const auto self = threads_.emplace(threads_.end());
  *self = std::thread([this, self] { run(self); });
}

// A thread on this list has given up the mutex for good, so joining it is short.
void ConnectionThreads::join_finished() {
  for (std::thread& thread : finished_) thread.join();
  finished_.clear();
}

void ConnectionThreads::run(Threads::iterator self) {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    work_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;  // stopping; stop() joins
    const std::function<void()> serve_connection = std::move(waiting_.front());
    waiting_.pop_front();
    room_.notify_one();
    lock.unlock();
    serve_connection();
    lock.lock();
    // A stream that ended came back as one too many.
    if (!stopping_ && threads_.size() - streams_ > kHttpThreads) {
      finished_.splice(finished_.end(), threads_, self);
      return;
    }
  }
}

void ConnectionThreads::stop() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  work_.notify_all();
  room_.notify_all();
  Threads all = std::move(threads_);
  threads_.clear();
  all.splice(all.end(), finished_);
  lock.unlock();
  for (std::thread& thread : all) thread.join();
}

std::unique_ptr<ConnectionThreads::Streaming> ConnectionThreads::try_stream() {
  const std::lock_guard lock(mutex_);
  if (streams_ >= kStreamsMax) return nullptr;
  ++streams_;
  start_where_wanted();
  return std::unique_ptr<Streaming>(new Streaming(*this));
}

ConnectionThreads::Streaming::~Streaming() {
  const std::lock_guard lock(threads_.mutex_);
  --threads_.streams_;
}

std::size_t ConnectionThreads::streams() const {
  const std::lock_guard lock(mutex_);
  return streams_;
}

std::size_t ConnectionThreads::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

}  // namespace pirouette::http
