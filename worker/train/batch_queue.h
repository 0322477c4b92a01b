#pragma once
// Draws batches ahead of who learns from them, on threads of its own: a picture of a character
// takes a core ten milliseconds, and a small model on a GPU learns from a thousand a second. What
// is in a batch depends on its number alone, whoever draws it and when.

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "worker/train/batch.h"

namespace pirouette::train {

struct BatchQueueOptions {
  std::uint64_t seed = 0;      // of each example's own chances
  std::uint64_t examples = 1;  // of a batch
  flux::Size size;
  int threads = 0;      // 0: a batch is drawn when it is taken
  bool pinned = false;  // batches go to a GPU
};

class BatchQueue {
 public:
  // dataset must live as long.
  BatchQueue(const Dataset& dataset, const BatchQueueOptions& options);
  ~BatchQueue();
  BatchQueue(const BatchQueue&) = delete;
  BatchQueue& operator=(const BatchQueue&) = delete;

  // The number-th batch, from 0. The one after the last is on its way; any other begins anew there.
  // One thread takes. An error is the first example's that has one.
  Result<Batch> take(std::uint64_t number);

 private:
  // A batch, while its examples are drawn.
  struct Pending {
    std::uint64_t number = 0;
    Batch batch;
    std::uint64_t begun = 0, done = 0;  // examples
    std::uint64_t error_row = 0;
    std::optional<Error> error;
  };
  void begin_at(std::uint64_t number);
  void draw_all();
  std::shared_ptr<Pending> find_work();  // with the lock held; none: nothing to do
  void draw(Pending& pending, std::uint64_t row, std::unique_lock<std::mutex>& lock);

  const Dataset& dataset_;
  BatchQueueOptions options_;
  std::size_t ahead_;  // batches at once

  std::mutex mutex_;
  std::condition_variable work_, done_;
  std::deque<std::shared_ptr<Pending>> pending_;  // in the order of their numbers
  std::uint64_t next_ = 0;                        // the number of the next that is begun
  bool has_begun_ = false, stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace pirouette::train
