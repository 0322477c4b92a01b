#include "tests/bench/night_machines.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace pirouette::bench {
namespace {

struct Kind {
  const char* name;
  Duration picture;
  bool big;  // it has the tag "80gb"
};
constexpr std::array<Kind, 4> kKinds = {{{"NVIDIA H200", seconds(8), true},
                                         {"NVIDIA H100", seconds(12), true},
                                         {"NVIDIA L40S", seconds(20), false},
                                         {"NVIDIA RTX 4090", seconds(40), false}}};
constexpr std::uint32_t kCapacity = 2;  // one it renders, one in reserve

constexpr Duration kOnItsWay = milliseconds(1);
// An agent says no step sooner after the one before (worker/agent/agent.h).
constexpr Duration kStepMin = milliseconds(500);
constexpr std::int64_t kSteps = 24;
constexpr Duration kLoading = seconds(20);  // another LoRA
constexpr Duration kTillDeath = seconds(2 * 3600), kDead = seconds(180), kBroken = seconds(600);
constexpr std::uint64_t kFailsOneIn = 500;
// Of those that come back.
constexpr std::uint64_t kBrokenOneIn = 8;

const Kind& kind_of(std::uint32_t machine) { return kKinds[machine % kKinds.size()]; }

std::string lora_of(const RenderSpec& spec) {
  return spec.loras.empty() ? "" : spec.loras.front().name;
}

// Each job has a picture of its own, the same on every machine.
Digest picture_of(JobId job) {
  Digest digest;
  digest.bytes.fill(7);
  std::memcpy(digest.bytes.data(), &job.value, sizeof job.value);
  return digest;
}

}  // namespace

double Machines::jobs_per_second(std::size_t count) {
  double rate = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    rate += 1e6 / static_cast<double>(kind_of(i).picture.us);
  }
  return rate;
}

Machines::Machines(std::size_t count, std::uint64_t seed, Instant start)
    : rng_(seed), machines_(count), by_link_(1) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const Duration after = milliseconds(static_cast<std::int64_t>(6 * i));
    plan(i, Turn::hello, start + after);
  }
}

void Machines::plan(std::uint32_t index, Turn turn, Instant at) {
  const Machine& machine = machines_[index];
  due_.push({at, order_++, index, turn == Turn::step ? machine.run : machine.life, turn});
}

void Machines::act_until(Instant until, std::vector<Told>& told) {
  while (due_.top().at <= until) {
    const Due due = due_.top();
    due_.pop();
    act(due, told);
  }
}

void Machines::act(const Due& due, std::vector<Told>& told) {
  Machine& machine = machines_[due.machine];
  if (due.life != (due.turn == Turn::step ? machine.run : machine.life)) return;
  switch (due.turn) {
    case Turn::hello:
      return say_hello(due.machine, due.at, told);
    case Turn::beat:
      plan(due.machine, Turn::beat, due.at + machine.heartbeat);
      told.push_back(
          {due.at, core::WorkerWasHeard{machine.link,
                                        "{\"renders\":" + std::to_string(machine.renders) + "}"}});
      return;
    case Turn::step:
      return say_step(due.machine, due.at, told);
    case Turn::death:
      ++machine.life;
      ++machine.run;
      machine.link = {};
      machine.held.clear();
      machine.lora.clear();
      if (rng_.below(kBrokenOneIn) == 0) machine.broken_until = due.at + kDead + kBroken;
      return plan(due.machine, Turn::hello, due.at + chance(kDead));
  }
}

void Machines::say_hello(std::uint32_t index, Instant now, std::vector<Told>& told) {
  Machine& machine = machines_[index];
  const Kind& kind = kind_of(index);
  machine.link = {++links_};
  by_link_.push_back(index);
  core::WorkerSaidHello hello;
  hello.link = machine.link;
  hello.name = "worker" + std::to_string(index);
  hello.device_kind = "cuda";
  hello.device_name = kind.name;
  hello.memory_bytes = std::uint64_t{kind.big ? 80u : 24u} << 30;
  hello.engine_build = "night";
  hello.capacity = kCapacity;
  hello.models = {Recipe{}.model};
  for (int i = 0; i < 12; ++i) hello.loras.push_back("style" + std::to_string(i));
  if (kind.big) hello.tags = {"80gb"};
  for (const Held& held : machine.held) hello.held.push_back({held.lease, held.job});
  told.push_back({now, std::move(hello)});
  ++machine.life;
  plan(index, Turn::beat, now + chance(machine.heartbeat));
  plan(index, Turn::death, now + Duration{chance(kTillDeath).us - kTillDeath.us / 2} * 2);
}

// The first of those in hand.
void Machines::begin(std::uint32_t index, Instant now) {
  Machine& machine = machines_[index];
  ++machine.run;
  if (machine.held.empty()) return;
  const Held& held = machine.held.front();
  const Duration picture = kind_of(index).picture;
  Duration first{};
  if (machine.lora != held.lora) first = kLoading;
  machine.lora = held.lora;
  const Duration all{picture.us * 9 / 10 + static_cast<std::int64_t>(rng_.below(
                                               static_cast<std::uint64_t>(picture.us / 5)))};
  machine.a_step = std::max(kStepMin, Duration{all.us / kSteps});
  machine.steps = static_cast<std::uint32_t>(all.us / machine.a_step.us);
  machine.step = 0;
  machine.fails_at = 0;
  if (now < machine.broken_until) machine.fails_at = 1;
  if (cannot_be_rendered(held.job)) machine.fails_at = 1;
  if (rng_.below(kFailsOneIn) == 0) machine.fails_at = machine.steps / 2;
  plan(index, Turn::step, now + first + machine.a_step);
}

void Machines::say_step(std::uint32_t index, Instant now, std::vector<Told>& told) {
  Machine& machine = machines_[index];
  const Held held = machine.held.front();
  const bool fails = ++machine.step == machine.fails_at;
  if (!fails && machine.step < machine.steps) {
    told.push_back(
        {now, core::LeaseProgressed{machine.link, held.lease, machine.step, machine.steps}});
    return plan(index, Turn::step, now + machine.a_step);
  }
  if (!fails) {
    ++machine.renders;
    told.push_back({now, core::LeaseFinished{machine.link, held.lease, held.job,
                                             picture_of(held.job), std::string(200, 'm'), true}});
  } else if (cannot_be_rendered(held.job)) {
    told.push_back({now, core::LeaseFailed{machine.link, held.lease, core::FailureClass::job,
                                           "the reference is no picture"}});
  } else {
    told.push_back({now, core::LeaseFailed{machine.link, held.lease, core::FailureClass::retryable,
                                           "CUDA error: unspecified launch failure"}});
  }
  machine.held.pop_front();
  begin(index, now);
}

void Machines::drop(std::uint32_t index, LeaseId lease, Instant now) {
  Machine& machine = machines_[index];
  const bool rendered = !machine.held.empty() && machine.held.front().lease == lease;
  std::erase_if(machine.held, [&](const Held& held) { return held.lease == lease; });
  if (rendered) begin(index, now);
}

void Machines::receive(const core::Send& message, Instant now) {
  const LinkId link = std::visit([](const auto& send) { return send.link; }, message);
  const std::uint32_t index = by_link_.at(link.value);
  Machine& machine = machines_[index];
  // It was meant for a process that is gone.
  if (machine.link != link) return;
  const Instant at = now + kOnItsWay;
  if (const auto* assign = std::get_if<core::SendAssign>(&message)) {
    machine.held.push_back({assign->lease, assign->job, lora_of(assign->spec)});
    if (machine.held.size() == 1) begin(index, at);
  } else if (const auto* welcome = std::get_if<core::SendWelcome>(&message)) {
    machine.heartbeat = welcome->heartbeat;
  } else if (const auto* cancel = std::get_if<core::SendCancel>(&message)) {
    drop(index, cancel->lease, at);
  } else if (std::holds_alternative<core::SendHelloWanted>(message)) {
    plan(index, Turn::hello, at);
  }
}

}  // namespace pirouette::bench
