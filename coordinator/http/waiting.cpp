#include "coordinator/http/waiting.h"

namespace pirouette::http {

Waiting::Answered Waiting::ask(const std::function<void(RequestId)>& send,
                               std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  if (stopped_) return Error{Errc::cancelled, "the coordinator is stopping; try again soon"};
  const RequestId request{++last_.value};
  const auto place = open_.emplace(request, std::nullopt).first;
  lock.unlock();
  send(request);
  lock.lock();
  changed_.wait_for(lock, limit, [&] { return stopped_ || place->second; });
  std::optional<Answered> answered = std::move(place->second);
  open_.erase(place);
  if (answered) return *std::move(answered);
  if (stopped_) {
    return Error{Errc::cancelled,
                 "the coordinator stopped before it answered; look whether the request was taken "
                 "before you send it again"};
  }
  return Error{Errc::timeout, "no answer within " + std::to_string(limit.count()) +
                                  " ms; the request may still have been taken: look before you "
                                  "send it again"};
}

void Waiting::answer(core::Reply&& reply) {
  {
    const std::lock_guard lock(mutex_);
    const auto place = open_.find(reply.request);
    if (place == open_.end()) return;
    place->second = std::move(reply.answer);
  }
  changed_.notify_all();
}

void Waiting::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

}  // namespace pirouette::http
