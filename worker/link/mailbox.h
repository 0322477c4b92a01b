#pragma once
// What the worker's other threads tell its loop. Any thread posts, the loop takes.

#include <mutex>
#include <utility>
#include <variant>
#include <vector>

#include "common/wire/wake.h"
#include "worker/agent/event.h"

namespace pirouette::link {

// A finished rendering on its way to the outbox.
struct Rendered {
  LeaseId lease;
  std::vector<std::uint8_t> png;
  std::string metrics;
};

using Mail = std::variant<agent::Event, Rendered>;

class Mailbox {
 public:
  void post(Mail mail) {
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = mails_.empty();
      // What follows a step says all that the step said, and more.
      const bool of_renderer = is_step(mail) || std::holds_alternative<Rendered>(mail);
      if (!first && is_step(mails_.back()) && of_renderer) {
        mails_.back() = std::move(mail);
      } else {
        mails_.push_back(std::move(mail));
      }
    }
    if (first) wake_.ring();
  }

  std::vector<Mail> take() {
    wake_.clear();
    const std::lock_guard lock(mutex_);
    return std::exchange(mails_, {});
  }

  int fd() const { return wake_.fd(); }

 private:
  // One job renders at a time, so a step and what the renderer says next are of one job.
  static bool is_step(const Mail& mail) {
    const auto* event = std::get_if<agent::Event>(&mail);
    return event && std::holds_alternative<agent::RenderStepped>(*event);
  }

  wire::Wake wake_;
  std::mutex mutex_;
  std::vector<Mail> mails_;
};

}  // namespace pirouette::link
