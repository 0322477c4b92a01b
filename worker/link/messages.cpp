#include "worker/link/messages.h"

#include "common/wire/limits.h"

namespace pirouette::link {
namespace {

wire::FailureClass to_wire(agent::FailureClass failure) {
  switch (failure) {
    case agent::FailureClass::retryable:
      return wire::RETRYABLE;
    case agent::FailureClass::job:
      return wire::JOB;
    case agent::FailureClass::worker:
      return wire::WORKER;
  }
  return wire::RETRYABLE;
}

void write_finished(const agent::Finished& result, wire::Finished& message) {
  message.set_lease(result.lease.value);
  message.set_job(result.job.value);
  message.set_result(wire::to_bytes(result.digest));
  message.set_metrics(wire::to_utf8(result.metrics));
}

struct Writer {
  const Portrait& portrait;
  wire::WorkerMessage& out;

  void operator()(const agent::SayHello& say) const {
    auto& hello = *out.mutable_hello();
    hello.set_protocol(wire::kProtocol);
    hello.set_name(wire::to_utf8(portrait.name));
    hello.set_device_kind(wire::to_utf8(portrait.device.kind));
    hello.set_device_name(wire::shorten(portrait.device.name, kNameMaxBytes));
    hello.set_memory_bytes(portrait.device.memory_bytes);
    hello.set_engine_build(wire::shorten(portrait.engine_build, kNameMaxBytes));
    hello.set_capacity(say.capacity);
    for (const std::string& model : portrait.models) hello.add_models(wire::to_utf8(model));
    for (const std::string& lora : portrait.loras) hello.add_loras(wire::to_utf8(lora));
    hello.set_lora_cache_bytes(portrait.lora_cache_bytes);
    for (const std::string& tag : portrait.tags) hello.add_tags(tag);
    for (const auto& [lease, job] : say.held) {
      auto& held = *hello.add_held();
      held.set_lease(lease.value);
      held.set_job(job.value);
    }
    for (const agent::Finished& result : say.outbox) write_finished(result, *hello.add_outbox());
  }
  void operator()(const agent::SayChangedCapacity& say) const {
    auto& changed = *out.mutable_changed_capacity();
    changed.set_capacity(say.capacity);
    changed.set_why(wire::shorten(say.why, wire::kMessageMaxBytes));
  }
  void operator()(const agent::SayHeartbeat& say) const {
    auto& heartbeat = *out.mutable_heartbeat();
    heartbeat.set_capacity(say.capacity);
    if (say.residency.size() > wire::kResidencyMaxBytes) return;
    heartbeat.set_residency(wire::to_utf8(say.residency));
  }
  void operator()(const agent::SayRefused& say) const {
    auto& refused = *out.mutable_refused();
    refused.set_lease(say.lease.value);
    refused.set_why(wire::shorten(say.why, wire::kMessageMaxBytes));
  }
  void operator()(const agent::SayProgressed& say) const {
    auto& progressed = *out.mutable_progressed();
    progressed.set_lease(say.lease.value);
    progressed.set_step(say.step);
    progressed.set_of(say.of);
  }
  void operator()(const agent::SayFailed& say) const {
    auto& failed = *out.mutable_failed();
    failed.set_lease(say.lease.value);
    failed.set_failure(to_wire(say.failure));
    failed.set_message(wire::shorten(say.message, wire::kMessageMaxBytes));
  }
  void operator()(const agent::SayFinished& say) const {
    write_finished(say.result, *out.mutable_finished());
  }
  void operator()(const agent::SayGoodbye&) const { out.mutable_goodbye(); }
};

void read_message(const wire::CoordinatorMessage& message, std::vector<agent::Event>& events) {
  switch (message.kind_case()) {
    case wire::CoordinatorMessage::kWelcome:
      events.emplace_back(agent::Welcomed{milliseconds(message.welcome().heartbeat_ms()),
                                          milliseconds(message.welcome().lease_ms())});
      return;
    case wire::CoordinatorMessage::kTurned:
      events.emplace_back(
          agent::TurnedAway{wire::shorten(message.turned().why(), wire::kMessageMaxBytes)});
      return;
    case wire::CoordinatorMessage::kAssign: {
      const auto& assign = message.assign();
      if (assign.lease() == 0 || assign.job() == 0) return;
      auto spec = wire::read_spec(assign);
      if (!spec.ok()) {
        events.emplace_back(agent::AssignedUnreadable{{assign.lease()}, spec.error().what});
        return;
      }
      events.emplace_back(
          agent::Assigned{{assign.lease()}, {assign.job()}, std::move(spec).value()});
      return;
    }
    case wire::CoordinatorMessage::kAcknowledged:
      events.emplace_back(agent::Acknowledged{{message.acknowledged().lease()}});
      return;
    case wire::CoordinatorMessage::kResultWanted:
      events.emplace_back(agent::ResultWanted{{message.result_wanted().lease()}});
      return;
    case wire::CoordinatorMessage::kCancel:
      events.emplace_back(agent::CancelAsked{{message.cancel().lease()}});
      return;
    case wire::CoordinatorMessage::kDrain:
      events.emplace_back(agent::DrainAsked{});
      return;
    case wire::CoordinatorMessage::kHelloWanted:
      events.emplace_back(agent::HelloAsked{});
      return;
    case wire::CoordinatorMessage::kHeartbeat:  // heard, as every frame is
    case wire::CoordinatorMessage::KIND_NOT_SET:
      return;
  }
}

}  // namespace

void write_message(const agent::Say& say, const Portrait& portrait, wire::WorkerMessage& message) {
  std::visit(Writer{portrait, message}, say);
}

void read_frame(const wire::CoordinatorFrame& frame, std::vector<agent::Event>& events) {
  events.emplace_back(agent::CoordinatorWasHeard{});
  for (const wire::CoordinatorMessage& message : frame.messages()) read_message(message, events);
}

}  // namespace pirouette::link
