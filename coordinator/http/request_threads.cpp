#include "coordinator/http/request_threads.h"

namespace pirouette::http {

RequestThreads::RequestThreads(std::size_t threads, std::size_t waiting_max,
                               const std::function<std::unique_ptr<Serving>()>& make_serving,
                               std::atomic<std::int64_t>& waiting)
    : waiting_max_(waiting_max), waiting_count_(waiting) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back(
        [this, serving = std::shared_ptr<Serving>(make_serving())] { run(*serving); });
  }
}

RequestThreads::~RequestThreads() { stop(); }

bool RequestThreads::try_add(Task request) {
  const std::lock_guard lock(mutex_);
  if (stopping_ || waiting_.size() >= waiting_max_) return false;
  waiting_.push_back(std::move(request));
  ++waiting_count_;
  work_.notify_one();
  return true;
}

bool RequestThreads::add_piece(Task piece) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return false;
  waiting_.push_back(std::move(piece));
  ++waiting_count_;
  work_.notify_one();
  return true;
}

void RequestThreads::run(Serving& serving) {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    {
      const Task task = std::move(waiting_.front());
      waiting_.pop_front();
      --waiting_count_;
      lock.unlock();
      task(serving);
    }
    lock.lock();
  }
}

void RequestThreads::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace pirouette::http
