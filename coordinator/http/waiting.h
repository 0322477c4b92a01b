#pragma once
// Requests that wait for the loop. Who serves one asks, and sleeps unless the round that answers ran
// in its asking; the loop answers by number. Nobody sleeps for ever: the limit is
// Config::answer_max. Safe from several threads.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "common/ids.h"
#include "coordinator/core/effect.h"

namespace pirouette::http {

class Waiting {
 public:
  using Answered = decltype(core::Reply::answer);

  // Hands a new number to send, then waits for its answer. An Error of its own: timeout, with the
  // warning that the request may still have been taken; cancelled once stopped.
  Answered ask(const std::function<void(RequestId)>& send, std::chrono::milliseconds limit);

  // Dropped if nobody waits for it any more.
  void answer(core::Reply&& reply);
  void stop();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<RequestId, std::optional<Answered>> open_;
  RequestId last_;
  bool stopped_ = false;
};

}  // namespace pirouette::http
