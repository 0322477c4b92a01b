#pragma once
// The render thread: calls the engine for one job after the other, in the order they were asked
// for. The next job's order waits here while one renders, so the device does not wait for the loop.

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "worker/engine/engine.h"
#include "worker/link/mailbox.h"
#include "worker/link/reference_cache.h"

namespace pirouette::link {

class Renderer {
 public:
  // All must outlive the renderer. Posts RenderStepped, then RenderFailed or Rendered, for each
  // job.
  Renderer(engine::Engine& engine, const ReferenceCache& cache, Mailbox& mailbox);
  ~Renderer();  // joins
  Renderer(const Renderer&) = delete;

  // Ends the thread: what renders stops at its next step, the rest never begins. Nothing is posted
  // once it returns.
  void join();

  void start(LeaseId lease, RenderSpec&& spec);
  // It fails as cancelled, at its next step or before it began.
  void stop(LeaseId lease);

 private:
  struct Order {
    LeaseId lease;
    RenderSpec spec;
  };

  void serve();
  void render(const Order& order);
  bool is_unwanted(LeaseId lease);

  engine::Engine& engine_;
  const ReferenceCache& cache_;
  Mailbox& mailbox_;
  Digest reference_;  // the render thread's: the last one it read, for the sheet's next pose
  std::vector<std::uint8_t> reference_bytes_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Order> orders_;  // under mutex_, as the rest
  std::set<LeaseId> unwanted_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace pirouette::link
