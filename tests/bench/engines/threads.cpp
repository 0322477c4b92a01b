#include "tests/bench/engines/threads.h"

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace pirouette::bench {
namespace {

// The first thing that went wrong on any thread; the others end soon after.
class FirstError {
 public:
  void tell(Error error) {
    const std::scoped_lock lock(mutex_);
    if (!error_) error_ = std::move(error);
    is_told_ = true;
  }
  bool is_told() const { return is_told_; }
  Result<void> result() {
    if (error_) return std::move(*error_);
    return {};
  }

 private:
  std::mutex mutex_;
  std::optional<Error> error_;
  std::atomic<bool> is_told_ = false;
};

}  // namespace

Result<void> on_threads(int threads, std::size_t count,
                        const std::function<Result<void>(const Next&)>& body) {
  FirstError failed;
  std::atomic<std::size_t> given = 0;
  const Next next = [&]() -> std::optional<std::size_t> {
    const std::size_t index = given++;
    if (index >= count || failed.is_told()) return std::nullopt;
    return index;
  };
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i)
    running.emplace_back([&] {
      const auto done = body(next);
      if (!done.ok()) failed.tell(done.error());
    });
  for (std::thread& thread : running) thread.join();
  return failed.result();
}

Result<void> beside_each_other(int threads, std::size_t count,
                               const std::function<Result<void>(std::size_t index)>& work) {
  return on_threads(threads, count, [&](const Next& next) -> Result<void> {
    while (const auto index = next()) TRY(work(*index));
    return {};
  });
}

}  // namespace pirouette::bench
