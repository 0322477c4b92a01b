#include "coordinator/http/watch.h"

#include <utility>

namespace pirouette::http {

Watch::Watch(boost::asio::io_context& io, std::unique_ptr<Serving> left,
             std::unique_ptr<Serving> right)
    : io_(io), stays_(boost::asio::make_work_guard(io)) {
  left_.serving = std::move(left);
  right_.serving = std::move(right);
}

void Watch::start() {
  left_.turn.release();
  left_.thread = std::thread([this] { run(left_, right_); });
  right_.thread = std::thread([this] { run(right_, left_); });
}

void Watch::join() {
  for (Side* const side : {&left_, &right_}) {
    if (side->thread.joinable()) side->thread.join();
  }
}

bool Watch::try_take(Task& request) {
  if (!other_sleeps_.exchange(false)) return false;
  // In this order: take_no_more() sees that the other one no longer sleeps, or is seen here.
  if (!takes_) {
    other_sleeps_ = true;
    other_sleeps_.notify_all();
    return false;
  }
  taken_ = std::move(request);
  return true;
}

void Watch::take_no_more() {
  takes_ = false;
  other_sleeps_.wait(false);
}

void Watch::run(Side& own, Side& other) {
  while (true) {
    own.turn.acquire();
    while (!taken_ && io_.run_one() > 0) {
    }
    const std::optional<Task> task = std::exchange(taken_, std::nullopt);
    other.turn.release();
    if (!task) return;  // the other one will find io stopped too
    (*task)(*own.serving);
    other_sleeps_ = true;
    other_sleeps_.notify_all();
  }
}

}  // namespace pirouette::http
