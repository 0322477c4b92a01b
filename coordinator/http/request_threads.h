#pragma once
// A few threads that serve requests, and what waits for them. Nothing here waits for a peer, but
// for an upload's body, and uploads have threads of their own.
//
// Of the threads that sleep, the one that served last is woken: its stack and its share of the heap
// are still in the processor's caches, where those of the others have long been pushed out.

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <semaphore>
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
  using Bell = std::binary_semaphore;
  bool add(Task&& task, std::size_t waiting_max);
  void run(Serving& serving, Bell& bell);

  const std::size_t waiting_max_;
  std::atomic<std::int64_t>& waiting_count_;
  std::deque<Bell> bells_;  // one a thread
  std::mutex mutex_;
  std::deque<Task> waiting_;     // under mutex_, as the rest
  std::vector<Bell*> sleeping_;  // the one that served last at the end
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace pirouette::http
