#pragma once
// The threads around the engine, so that its device goes from one job straight to the next:
//
//   renders   calls the engine for one job after the other, in the order they were asked for; while
//             there is none, does what the loop has it do: reads the socket
//   prepares  while a job renders, reads the next one's reference and lets the engine make ready
//             what needs no device
//   finishes  makes a result of the last one's pixels; the loop then keeps it
//
// One picture may be behind the one that renders; a second waits for it, and the device with it.

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "worker/engine/engine.h"
#include "worker/link/mailbox.h"
#include "worker/link/reference_cache.h"

namespace pirouette::link {

class Renderer {
 public:
  // All must outlive the renderer. Posts RenderStepped, then RenderFailed or Rendered, for each
  // job; what the next one posts may come before the end of this one.
  Renderer(engine::Engine& engine, const ReferenceCache& cache, Mailbox& mailbox);
  ~Renderer();  // joins
  Renderer(const Renderer&) = delete;

  // Ends the threads: what renders stops at its next step, what is rendered is finished, the rest
  // never begins. Nothing is posted once it returns.
  void join();

  void start(LeaseId lease, RenderSpec&& spec);
  bool is_idle();  // nothing renders, and nothing waits for it
  // While that is so, has the thread that renders do this, which must end once that is no longer
  // so. Returns when it is done, or throws what it threw. What it starts needs no thread to be
  // woken.
  void while_idle(std::function<void()> work);
  // It fails as cancelled, at its next step or before it began; later it is too late.
  void stop(LeaseId lease);

 private:
  using Bytes = std::vector<std::uint8_t>;
  struct Order {
    LeaseId lease;
    RenderSpec spec;
    bool prepared = false;
  };
  struct Unfinished {
    LeaseId lease;
    engine::FinishFn finish;
  };

  void render_all();
  void prepare_all();
  void finish_all();
  void render(const Order& order);
  void hand_in(LeaseId lease, engine::RenderOutcome outcome);
  void fail(LeaseId lease, agent::FailureClass failure, bool cancelled, const std::string& why);
  Result<std::shared_ptr<const Bytes>> reference(const Digest& digest);
  bool is_unwanted(LeaseId lease);

  engine::Engine& engine_;
  const ReferenceCache& cache_;
  Mailbox& mailbox_;

  std::mutex reference_mutex_;
  Digest reference_;  // the last one that was read, for the sheet's next pose
  std::shared_ptr<const Bytes> reference_bytes_;

  std::mutex mutex_;
  std::condition_variable ordered_, behind_;  // for who renders and prepares; for the end
  std::deque<Order> orders_;                  // under mutex_, as the rest
  std::packaged_task<void()> work_;           // while idle
  std::optional<LeaseId> rendering_, preparing_;
  std::optional<Unfinished> unfinished_;  // until it is handed in
  std::set<LeaseId> unwanted_;
  bool stopping_ = false;
  bool rendered_all_ = false;  // nothing to finish comes any more
  std::thread renders_, prepares_, finishes_;
};

}  // namespace pirouette::link
