#include "worker/train/batch_queue.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace pirouette::train {
namespace {

// Batches at once: one that is waited for, and work for every thread meanwhile.
std::size_t count_ahead(const BatchQueueOptions& options) {
  const auto threads = static_cast<std::uint64_t>(options.threads);
  return 2 + static_cast<std::size_t>(2 * threads / options.examples);
}

}  // namespace

BatchQueue::BatchQueue(const Dataset& dataset, const BatchQueueOptions& options)
    : dataset_(dataset), options_(options), ahead_(count_ahead(options)) {
  PIROUETTE_CHECK(options.examples > 0 && options.threads >= 0);
}

BatchQueue::~BatchQueue() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// With the lock held. What is still being drawn of others goes away with its last thread.
void BatchQueue::begin_at(std::uint64_t number) {
  pending_.clear();
  next_ = number;
  has_begun_ = true;
  while (threads_.size() < static_cast<std::size_t>(options_.threads))
    threads_.emplace_back([this] { draw_all(); });
}

Result<Batch> BatchQueue::take(std::uint64_t number) {
  if (options_.threads == 0)
    return draw_batch(dataset_, options_.seed, number * options_.examples, options_.examples,
                      options_.size);
  std::unique_lock lock(mutex_);
  const std::uint64_t first = pending_.empty() ? next_ : pending_.front()->number;
  if (!has_begun_ || number != first) begin_at(number);
  work_.notify_all();
  done_.wait(lock,
             [&] { return !pending_.empty() && pending_.front()->done == options_.examples; });
  const std::shared_ptr<Pending> taken = pending_.front();
  pending_.pop_front();
  work_.notify_all();
  if (taken->error) return *taken->error;
  return std::move(taken->batch);
}

std::shared_ptr<BatchQueue::Pending> BatchQueue::find_work() {
  if (!has_begun_) return nullptr;
  for (const auto& pending : pending_)
    if (pending->begun < options_.examples) return pending;
  if (pending_.size() >= ahead_) return nullptr;
  auto pending = std::make_shared<Pending>();
  pending->number = next_++;
  pending->batch = make_batch(options_.examples, options_.size, options_.pinned);
  return pending_.emplace_back(std::move(pending));
}

void BatchQueue::draw_all() {
  std::unique_lock lock(mutex_);
  std::shared_ptr<Pending> pending;
  while (true) {
    work_.wait(lock, [&] { return stopping_ || (pending = find_work()); });
    if (stopping_) return;
    const std::uint64_t row = pending->begun++;
    draw(*pending, row, lock);
    if (pending->done == options_.examples) done_.notify_all();
    pending.reset();
  }
}

void BatchQueue::draw(Pending& pending, std::uint64_t row, std::unique_lock<std::mutex>& lock) {
  const std::uint64_t index = pending.number * options_.examples + row;
  lock.unlock();
  Result<void> drawn;
  try {
    drawn = draw_row(dataset_, options_.seed, index, pending.batch, row);
  } catch (const std::exception& error) {
    drawn = Error{Errc::io, "drawing example " + std::to_string(index) + ": " + error.what()};
  }
  lock.lock();
  if (!drawn.ok() && (!pending.error || row < pending.error_row)) {
    pending.error = drawn.error();
    pending.error_row = row;
  }
  ++pending.done;
}

}  // namespace pirouette::train
