#include "worker/link/renderer.h"

#include <exception>

#include "common/log.h"

namespace pirouette::link {
namespace {

agent::FailureClass failure_class(engine::Failure failure) {
  switch (failure) {
    case engine::Failure::retryable:
      return agent::FailureClass::retryable;
    case engine::Failure::job:
      return agent::FailureClass::job;
    case engine::Failure::worker:
      return agent::FailureClass::worker;
  }
  return agent::FailureClass::retryable;
}

}  // namespace

Renderer::Renderer(engine::Engine& engine, const ReferenceCache& cache, Mailbox& mailbox)
    : engine_(engine), cache_(cache), mailbox_(mailbox) {
  renders_ = std::thread([this] { render_all(); });
  if (engine_.has_to_prepare()) prepares_ = std::thread([this] { prepare_all(); });
  finishes_ = std::thread([this] { finish_all(); });
}

Renderer::~Renderer() { join(); }

void Renderer::join() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ordered_.notify_all();
  if (prepares_.joinable()) prepares_.join();
  if (renders_.joinable()) renders_.join();
  {
    const std::lock_guard lock(mutex_);
    rendered_all_ = true;
  }
  behind_.notify_all();
  if (finishes_.joinable()) finishes_.join();
}

void Renderer::start(LeaseId lease, RenderSpec&& spec) {
  {
    const std::lock_guard lock(mutex_);
    orders_.push_back({lease, std::move(spec)});
  }
  ordered_.notify_all();
}

bool Renderer::is_idle() {
  const std::lock_guard lock(mutex_);
  return !rendering_ && orders_.empty();
}

void Renderer::while_idle(std::function<void()> work) {
  std::packaged_task<void()> task(std::move(work));
  std::future<void> done = task.get_future();
  {
    const std::lock_guard lock(mutex_);
    if (rendering_ || !orders_.empty()) return;
    work_ = std::move(task);
  }
  ordered_.notify_all();
  done.get();
}

void Renderer::stop(LeaseId lease) {
  const std::lock_guard lock(mutex_);
  unwanted_.insert(lease);
}

bool Renderer::is_unwanted(LeaseId lease) {
  const std::lock_guard lock(mutex_);
  return stopping_ || unwanted_.contains(lease);
}

void Renderer::render_all() {
  for (;;) {
    Order order;
    {
      std::unique_lock lock(mutex_);
      ordered_.wait(
          lock, [this] { return stopping_ || work_.valid() || (!orders_.empty() && !preparing_); });
      if (work_.valid()) {
        std::packaged_task<void()> work = std::move(work_);
        lock.unlock();
        work();
        continue;
      }
      if (stopping_) return;
      order = std::move(orders_.front());
      orders_.pop_front();
      rendering_ = order.lease;
    }
    if (engine_.has_to_prepare()) ordered_.notify_all();
    render(order);
    const std::lock_guard lock(mutex_);
    rendering_.reset();
  }
}

void Renderer::prepare_all() {
  for (;;) {
    Order order;
    {
      std::unique_lock lock(mutex_);
      ordered_.wait(lock, [this] {
        return stopping_ || (rendering_ && !orders_.empty() && !orders_.front().prepared);
      });
      if (stopping_) return;
      orders_.front().prepared = true;
      order = orders_.front();
      preparing_ = order.lease;
    }
    try {
      const auto bytes = reference(order.spec.reference);
      if (bytes.ok()) engine_.prepare(order.spec, *bytes.value());
    } catch (const std::exception& error) {
      log::warn("worker", std::string("cannot prepare the next job: ") + error.what());
    }
    {
      const std::lock_guard lock(mutex_);
      preparing_.reset();
    }
    ordered_.notify_all();
  }
}

void Renderer::finish_all() {
  for (;;) {
    Unfinished next;
    {
      std::unique_lock lock(mutex_);
      behind_.wait(lock, [this] { return unfinished_ || rendered_all_; });
      if (!unfinished_) return;
      next = std::move(*unfinished_);
    }
    engine::RenderOutcome outcome;
    try {
      outcome = next.finish();
    } catch (const std::exception& error) {
      outcome = {engine::RenderError{engine::Failure::retryable, false,
                                     std::string("finishing threw: ") + error.what()}};
    }
    hand_in(next.lease, std::move(outcome));
    {
      const std::lock_guard lock(mutex_);
      unfinished_.reset();  // only now: no second one is behind
    }
    behind_.notify_all();
  }
}

void Renderer::fail(LeaseId lease, agent::FailureClass failure, bool cancelled,
                    const std::string& why) {
  if (!cancelled)
    log::warn("worker", "cannot render job of lease " + std::to_string(lease.value) + ": " + why);
  mailbox_.post(agent::RenderFailed{lease, failure, cancelled, why});
}

// Of the threads that render and prepare. A damaged file is removed by the cache: asked again, it
// is not there.
Result<std::shared_ptr<const Renderer::Bytes>> Renderer::reference(const Digest& digest) {
  const std::lock_guard lock(reference_mutex_);
  if (reference_ != digest || !reference_bytes_) {
    reference_bytes_ = std::make_shared<const Bytes>(TRY(cache_.read(digest)));
    reference_ = digest;
  }
  return reference_bytes_;
}

void Renderer::render(const Order& order) {
  const LeaseId lease = order.lease;
  if (is_unwanted(lease)) {
    return hand_in(lease, {engine::RenderError{engine::Failure::retryable, true, "cancelled"}});
  }
  const auto bytes = reference(order.spec.reference);
  if (!bytes.ok()) {
    return hand_in(lease,
                   {engine::RenderError{engine::Failure::retryable, false, bytes.error().what}});
  }
  const auto progress = [&](int step, int of) {
    mailbox_.post(agent::RenderStepped{lease, static_cast<std::uint32_t>(step),
                                       static_cast<std::uint32_t>(of)});
    return !is_unwanted(lease);
  };
  std::variant<engine::RenderOutcome, engine::FinishFn> rendered;
  try {
    rendered = engine_.render_pixels(order.spec, *bytes.value(), progress);
  } catch (const std::exception& error) {
    // An engine answers with RenderError; what still gets out of it must not end the worker.
    rendered = engine::RenderOutcome{engine::RenderError{
        engine::Failure::retryable, false, std::string("the engine threw: ") + error.what()}};
  }
  if (auto* outcome = std::get_if<engine::RenderOutcome>(&rendered)) {
    return hand_in(lease, std::move(*outcome));
  }
  std::unique_lock lock(mutex_);
  behind_.wait(lock, [this] { return !unfinished_; });
  unfinished_ = Unfinished{lease, std::move(std::get<engine::FinishFn>(rendered))};
  lock.unlock();
  behind_.notify_all();
}

void Renderer::hand_in(LeaseId lease, engine::RenderOutcome outcome) {
  if (const auto* error = std::get_if<engine::RenderError>(&outcome.value)) {
    fail(lease, failure_class(error->failure), error->cancelled, error->what);
  } else {
    auto& rendering = std::get<engine::Rendering>(outcome.value);
    mailbox_.post(Rendered{lease, std::move(rendering.png), std::move(rendering.metrics)});
  }
  const std::lock_guard lock(mutex_);
  unwanted_.erase(lease);
}

}  // namespace pirouette::link
