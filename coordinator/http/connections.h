#pragma once
// The threads behind httplib's sockets. httplib keeps a thread for a connection as long as it
// lives, so a page that watches would hold a request thread for hours. Here a connection that turns
// into an event stream says so (Streaming): it no longer counts, and another thread takes its
// place. At most kHttpThreads serve requests at any time, whatever the streams do.
//
// enqueue() is called by httplib's accepting thread, and makes it wait when kConnectionsWaitingMax
// connections do.

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace pirouette::http {

class ConnectionThreads {
 public:
  ConnectionThreads() = default;
  ~ConnectionThreads();  // stopped, or never used
  ConnectionThreads(const ConnectionThreads&) = delete;
  ConnectionThreads& operator=(const ConnectionThreads&) = delete;

  void enqueue(std::function<void()> serve_connection);
  // Serves what waits, then joins every thread.
  void stop();

  // Held by a connection's thread while it is a stream.
  class Streaming {
   public:
    ~Streaming();
    Streaming(const Streaming&) = delete;
    Streaming& operator=(const Streaming&) = delete;

   private:
    friend class ConnectionThreads;
    explicit Streaming(ConnectionThreads& threads) : threads_(threads) {}
    ConnectionThreads& threads_;
  };
  // Null when kStreamsMax stream already.
  std::unique_ptr<Streaming> try_stream();

  std::size_t streams() const;
  std::size_t waiting() const;

 private:
  using Threads = std::list<std::thread>;
  void run(Threads::iterator self);
  void start_where_wanted();  // with mutex_ held
  void join_finished();       // with mutex_ held

  mutable std::mutex mutex_;
  std::condition_variable work_, room_;
  std::deque<std::function<void()>> waiting_;
  Threads threads_, finished_;
  std::size_t idle_ = 0, streams_ = 0;
  bool stopping_ = false;
};

}  // namespace pirouette::http
