#include "coordinator/http/request_threads.h"

#include <limits>
#include <utility>

namespace pirouette::http {

RequestThreads::RequestThreads(std::size_t threads, std::size_t waiting_max,
                               const std::function<std::unique_ptr<Serving>()>& make_serving,
                               std::atomic<std::int64_t>& waiting)
    : waiting_max_(waiting_max), waiting_count_(waiting) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this, serving = std::shared_ptr<Serving>(make_serving()),
                           &bell = bells_.emplace_back(0)] { run(*serving, bell); });
  }
}

RequestThreads::~RequestThreads() { stop(); }

bool RequestThreads::try_add(Task request) { return add(std::move(request), waiting_max_); }

bool RequestThreads::add_piece(Task piece) {
  return add(std::move(piece), std::numeric_limits<std::size_t>::max());
}

bool RequestThreads::add(Task&& task, std::size_t waiting_max) {
  std::unique_lock lock(mutex_);
  if (stopping_ || waiting_.size() >= waiting_max) return false;
  waiting_.push_back(std::move(task));
  ++waiting_count_;
  if (sleeping_.empty()) return true;
  Bell* const bell = sleeping_.back();
  sleeping_.pop_back();
  lock.unlock();  // whoever wakes wants it
  bell->release();
  return true;
}

void RequestThreads::run(Serving& serving, Bell& bell) {
  std::unique_lock lock(mutex_);
  while (true) {
    while (waiting_.empty()) {
      if (stopping_) return;
      sleeping_.push_back(&bell);
      lock.unlock();
      bell.acquire();
      lock.lock();
    }
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
    for (Bell* const bell : std::exchange(sleeping_, {})) bell->release();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

}  // namespace pirouette::http
