#pragma once
// What the worker's other threads tell its loop. Any thread posts, the loop takes.

#include <mutex>
#include <optional>
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
      // What follows a step of the same job says all that the step said, and more.
      if (!first && step_of(mails_.back()) && step_of(mails_.back()) == lease_of(mail)) {
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
  static std::optional<LeaseId> step_of(const Mail& mail) {
    const auto* event = std::get_if<agent::Event>(&mail);
    const auto* step = event ? std::get_if<agent::RenderStepped>(event) : nullptr;
    return step ? std::optional(step->lease) : std::nullopt;
  }
  // None: it is neither a step nor a rendering.
  static std::optional<LeaseId> lease_of(const Mail& mail) {
    const auto* rendered = std::get_if<Rendered>(&mail);
    return rendered ? std::optional(rendered->lease) : step_of(mail);
  }

  wire::Wake wake_;
  std::mutex mutex_;
  std::vector<Mail> mails_;
};

}  // namespace pirouette::link
