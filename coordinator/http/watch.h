#pragma once
// The front door's two threads take turns: one watches the sockets, the other sleeps. Who watches
// and has read a whole request may serve it itself, and then it is the other one's turn to watch.
// So a request that comes while nothing else is served waits for nobody to wake; one that comes
// meanwhile goes to the request threads. Somebody always watches, and connections belong to who
// watches.

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <semaphore>
#include <thread>

#include "coordinator/http/request_threads.h"

namespace pirouette::http {

class Watch {
 public:
  using Task = RequestThreads::Task;

  Watch(boost::asio::io_context& io, std::unique_ptr<Serving> left, std::unique_ptr<Serving> right);
  ~Watch() { join(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // From now on what comes to io is run, one after the other.
  void start();
  // From what runs in io: the request is served by this thread once that returns. false, and
  // nothing was taken: the other one serves still, or no more is taken.
  bool try_take(Task& request);
  // Takes no more, and returns when what was taken is served. io must run on.
  void take_no_more();
  // Once io is stopped.
  void join();

 private:
  struct Side {
    std::unique_ptr<Serving> serving;
    std::binary_semaphore turn{0};
    std::thread thread;
  };
  void run(Side& own, Side& other);

  boost::asio::io_context& io_;
  const boost::asio::executor_work_guard<boost::asio::io_context::executor_type> stays_;
  std::optional<Task> taken_;  // by who watches
  std::atomic<bool> other_sleeps_{true}, takes_{true};
  Side left_, right_;
};

}  // namespace pirouette::http
