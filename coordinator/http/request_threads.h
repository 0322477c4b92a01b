#pragma once
// A few threads that serve requests, and what waits for them. Nothing here waits for a peer, but
// for an upload's body, and uploads have threads of their own.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "coordinator/http/serving.h"

namespace pirouette::http {

class RequestThreads {
 public:
  using Task = std::function<void(Serving&)>;

  // waiting: kept at how many wait.
  RequestThreads(std::size_t threads, std::size_t waiting_max,
                 const std::function<std::unique_ptr<Serving>()>& make_serving,
                 std::atomic<std::int64_t>& waiting);
  ~RequestThreads();  // stops
  RequestThreads(const RequestThreads&) = delete;
  RequestThreads& operator=(const RequestThreads&) = delete;

  // false: waiting_max wait already, or we stop.
  bool try_add(Task request);
  // The next piece of an answer that goes out already: never refused for the number, for there is
  // one a connection at most. false: we stop.
  bool add_piece(Task piece);

  // Serves what waits, then joins every thread.
  void stop();

 private:
  void run(Serving& serving);

  const std::size_t waiting_max_;
  std::atomic<std::int64_t>& waiting_count_;
  std::mutex mutex_;
  std::condition_variable work_;
  std::deque<Task> waiting_;
  std::vector<std::thread> threads_;
  bool stopping_ = false;
};

}  // namespace pirouette::http
