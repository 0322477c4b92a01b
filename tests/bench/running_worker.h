#pragma once
// A real worker (agent, link, outbox) on a thread of this program, over an engine of the
// benchmark's. It works from when it is made until it goes.

#include <thread>
#include <utility>

#include "tests/bench/measure.h"
#include "worker/link/worker_loop.h"

namespace pirouette::bench {

template <typename Engine>
class RunningWorker {
 public:
  // engine: what the Engine is made of.
  template <typename... Arguments>
  explicit RunningWorker(link::WorkerConfig config, Arguments&&... engine)
      : config_(std::move(config)),
        engine_(std::forward<Arguments>(engine)...),
        thread_([this] { need(link::run(config_, engine_, stop_)); }) {}
  ~RunningWorker() {
    stop_.stop();
    thread_.join();
  }
  RunningWorker(const RunningWorker&) = delete;
  RunningWorker& operator=(const RunningWorker&) = delete;

 private:
  link::WorkerConfig config_;
  Engine engine_;
  link::StopFlag stop_;
  std::thread thread_;
};

}  // namespace pirouette::bench
