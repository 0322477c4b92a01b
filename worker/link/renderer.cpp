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
    : engine_(engine), cache_(cache), mailbox_(mailbox), thread_([this] { serve(); }) {}

Renderer::~Renderer() { join(); }

void Renderer::join() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Renderer::start(LeaseId lease, RenderSpec&& spec) {
  {
    const std::lock_guard lock(mutex_);
    orders_.push_back({lease, std::move(spec)});
  }
  wake_.notify_one();
}

void Renderer::stop(LeaseId lease) {
  const std::lock_guard lock(mutex_);
  unwanted_.insert(lease);
}

bool Renderer::is_unwanted(LeaseId lease) {
  const std::lock_guard lock(mutex_);
  return stopping_ || unwanted_.contains(lease);
}

void Renderer::serve() {
  for (;;) {
    Order order;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !orders_.empty(); });
      if (stopping_) return;
      order = std::move(orders_.front());
      orders_.pop_front();
    }
    render(order);
    const std::lock_guard lock(mutex_);
    unwanted_.erase(order.lease);
  }
}

void Renderer::render(const Order& order) {
  const LeaseId lease = order.lease;
  const auto fail = [&](agent::FailureClass failure, bool cancelled, const std::string& why) {
    if (!cancelled)
      log::warn("worker", "cannot render job of lease " + std::to_string(lease.value) + ": " + why);
    mailbox_.post(agent::RenderFailed{lease, failure, cancelled, why});
  };
  if (is_unwanted(lease)) return fail(agent::FailureClass::retryable, true, "cancelled");
  if (reference_ != order.spec.reference) {
    auto bytes = cache_.read(order.spec.reference);
    if (!bytes.ok()) return fail(agent::FailureClass::retryable, false, bytes.error().what);
    reference_bytes_ = std::move(bytes).value();
    reference_ = order.spec.reference;
  }
  const auto progress = [&](int step, int of) {
    mailbox_.post(agent::RenderStepped{lease, static_cast<std::uint32_t>(step),
                                       static_cast<std::uint32_t>(of)});
    return !is_unwanted(lease);
  };
  engine::RenderOutcome outcome;
  try {
    outcome = engine_.render(order.spec, reference_bytes_, progress);
  } catch (const std::exception& error) {
    // An engine answers with RenderError; what still gets out of it must not end the worker.
    return fail(agent::FailureClass::retryable, false,
                std::string("the engine threw: ") + error.what());
  }
  if (const auto* error = std::get_if<engine::RenderError>(&outcome.value)) {
    return fail(failure_class(error->failure), error->cancelled, error->what);
  }
  auto& rendering = std::get<engine::Rendering>(outcome.value);
  mailbox_.post(Rendered{lease, std::move(rendering.png), std::move(rendering.metrics)});
}

}  // namespace pirouette::link
