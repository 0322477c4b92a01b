#include "coordinator/dispatch/messages.h"

#include <algorithm>

#include "common/wire/limits.h"

namespace pirouette::dispatch {
namespace {

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kNameMaxBytes &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

template <typename Names>
bool are_names(const Names& names) {
  return names.size() <= wire::kHelloMaxNames && std::all_of(names.begin(), names.end(), is_name);
}

core::FailureClass failure_class(wire::FailureClass failure) {
  switch (failure) {
    case wire::JOB:
      return core::FailureClass::job;
    case wire::WORKER:
      return core::FailureClass::worker;
    default:  // a class of a newer worker: trying again is the mild reading
      return core::FailureClass::retryable;
  }
}

std::optional<core::LeaseFinished> read_finished(const wire::Finished& message, LinkId link,
                                                 const IsStored& is_stored) {
  const auto result = wire::find_digest(message.result());
  if (!result || message.lease() == 0 || message.job() == 0) return std::nullopt;
  // Damaged metrics are no reason to lose a picture.
  return core::LeaseFinished{link,
                             {message.lease()},
                             {message.job()},
                             *result,
                             wire::json_object_or_empty(message.metrics(), wire::kMetricsMaxBytes),
                             is_stored(*result)};
}

Error lacks(const char* kind, const char* what) {
  return {Errc::corrupt, std::string("a message ") + kind + " without " + what};
}

}  // namespace

Result<std::string> check_hello(const wire::Hello& hello) {
  if (hello.protocol() != wire::kProtocol) {
    return Error{Errc::invalid, "this worker speaks protocol " + std::to_string(hello.protocol()) +
                                    ", the coordinator " + std::to_string(wire::kProtocol) +
                                    "; install the coordinator's version on this machine"};
  }
  if (!is_name(hello.name())) {
    return Error{Errc::invalid, "a worker's name has 1 to " + std::to_string(kNameMaxBytes) +
                                    " bytes and no control characters; choose another"};
  }
  const bool fits =
      hello.device_kind().size() <= kNameMaxBytes && hello.device_name().size() <= kNameMaxBytes &&
      hello.engine_build().size() <= kNameMaxBytes && are_names(hello.models()) &&
      are_names(hello.loras()) && are_names(hello.tags()) &&
      hello.held_size() <= wire::kHelloMaxHeld && hello.outbox_size() <= wire::kHelloMaxFinished;
  if (!fits) {
    return Error{Errc::invalid,
                 "the worker says more of itself than the limits in common/wire/limits.h allow; "
                 "are there too many models, or names too long?"};
  }
  return hello.name();
}

void read_hello(const wire::Hello& hello, LinkId link, const IsStored& is_stored,
                std::vector<core::Event>& events) {
  core::WorkerSaidHello event;
  event.link = link;
  event.name = hello.name();
  event.device_kind = hello.device_kind();
  event.device_name = hello.device_name();
  event.memory_bytes = hello.memory_bytes();
  event.engine_build = hello.engine_build();
  event.capacity = std::min(hello.capacity(), wire::kCapacityMax);
  event.models.assign(hello.models().begin(), hello.models().end());
  event.loras.assign(hello.loras().begin(), hello.loras().end());
  event.lora_cache_bytes = std::min(hello.lora_cache_bytes(), kLoraCacheMaxBytes);
  event.tags.assign(hello.tags().begin(), hello.tags().end());
  for (const wire::HeldLease& held : hello.held()) {
    if (held.lease() != 0 && held.job() != 0) event.held.push_back({{held.lease()}, {held.job()}});
  }
  events.emplace_back(std::move(event));
  for (const wire::Finished& finished : hello.outbox()) {
    if (auto read = read_finished(finished, link, is_stored)) events.emplace_back(std::move(*read));
  }
}

Result<std::optional<core::Event>> read_message(const wire::WorkerMessage& message, LinkId link,
                                                const IsStored& is_stored) {
  using Read = std::optional<core::Event>;
  switch (message.kind_case()) {
    case wire::WorkerMessage::kChangedCapacity: {
      const auto& changed = message.changed_capacity();
      return Read(
          core::WorkerChangedCapacity{link, std::min(changed.capacity(), wire::kCapacityMax),
                                      wire::shorten(changed.why(), wire::kMessageMaxBytes)});
    }
    case wire::WorkerMessage::kHeartbeat: {
      const auto& heartbeat = message.heartbeat();
      const std::string& residency = heartbeat.residency();
      core::WorkerWasHeard heard{link, "", {}};
      if (!residency.empty()) {
        heard.residency = wire::json_object_or_empty(residency, wire::kResidencyMaxBytes);
      }
      if (heartbeat.has_capacity()) {
        heard.capacity = std::min(heartbeat.capacity(), wire::kCapacityMax);
      }
      return Read(std::move(heard));
    }
    case wire::WorkerMessage::kRefused: {
      const auto& refused = message.refused();
      if (refused.lease() == 0) return lacks("Refused", "a lease");
      return Read(core::LeaseRefused{
          link, {refused.lease()}, wire::shorten(refused.why(), wire::kMessageMaxBytes)});
    }
    case wire::WorkerMessage::kProgressed: {
      const auto& progressed = message.progressed();
      if (progressed.lease() == 0) return lacks("Progressed", "a lease");
      return Read(
          core::LeaseProgressed{link, {progressed.lease()}, progressed.step(), progressed.of()});
    }
    case wire::WorkerMessage::kFailed: {
      const auto& failed = message.failed();
      if (failed.lease() == 0) return lacks("Failed", "a lease");
      return Read(core::LeaseFailed{link,
                                    {failed.lease()},
                                    failure_class(failed.failure()),
                                    wire::shorten(failed.message(), wire::kMessageMaxBytes)});
    }
    case wire::WorkerMessage::kFinished: {
      auto finished = read_finished(message.finished(), link, is_stored);
      if (!finished) return lacks("Finished", "a lease, a job or a result");
      return Read(std::move(*finished));
    }
    case wire::WorkerMessage::kGoodbye:
      return Read(core::WorkerSaidGoodbye{link});
    case wire::WorkerMessage::kHello:  // dispatch answers it before it comes here
    case wire::WorkerMessage::KIND_NOT_SET:
      return Read();
  }
  return Read();
}

LinkId link_of(const core::Send& send) {
  return std::visit([](const auto& message) { return message.link; }, send);
}

void write_message(const core::Send& send, wire::CoordinatorMessage& message) {
  struct Writer {
    wire::CoordinatorMessage& out;

    void operator()(const core::SendWelcome& send) const {
      auto& welcome = *out.mutable_welcome();
      welcome.set_worker(send.worker.value);
      welcome.set_heartbeat_ms(static_cast<std::uint32_t>(send.heartbeat.us / 1000));
      welcome.set_lease_ms(static_cast<std::uint32_t>(send.lease.us / 1000));
    }
    void operator()(const core::SendAssign& send) const {
      auto& assign = *out.mutable_assign();
      assign.set_lease(send.lease.value);
      assign.set_job(send.job.value);
      assign.set_attempt(send.attempt);
      wire::fill_spec(assign, send.spec);
    }
    void operator()(const core::SendAcknowledged& send) const {
      auto& acknowledged = *out.mutable_acknowledged();
      acknowledged.set_lease(send.lease.value);
      acknowledged.set_job(send.job.value);
      acknowledged.set_duplicate(send.duplicate);
    }
    void operator()(const core::SendResultWanted& send) const {
      auto& wanted = *out.mutable_result_wanted();
      wanted.set_lease(send.lease.value);
      wanted.set_job(send.job.value);
      wanted.set_result(wire::to_bytes(send.result));
    }
    void operator()(const core::SendCancel& send) const {
      out.mutable_cancel()->set_lease(send.lease.value);
    }
    void operator()(const core::SendDrain&) const { out.mutable_drain(); }
    void operator()(const core::SendHelloWanted&) const { out.mutable_hello_wanted(); }
  };
  std::visit(Writer{message}, send);
}

}  // namespace pirouette::dispatch
