// How frames come to the coordinator and go from it, as coordinator/dispatch/dispatch.cpp does it.

#include "common/wire/limits.h"
#include "coordinator/dispatch/messages.h"
#include "tests/sim/coordinator_process.h"

namespace pirouette::sim {
namespace {

constexpr int kUnreadableMax = 4;  // as dispatch.cpp

wire::Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

void CoordinatorProcess::receive(const std::string& routing, const std::string& frame) {
  if (!is_up()) return;
  if (parts_.time.now() < suspended_until_) {
    return parts_.time.at(suspended_until_, [this, life = life_, routing, frame] {
      if (life == life_) receive(routing, frame);
    });
  }
  parts_.trace.add(frame);
  const auto read = wire::parse_worker_frame(bytes_of(frame));
  if (!read.ok()) return receive_unreadable(routing);
  bool asked_for_hello = false;
  for (const wire::WorkerMessage& message : read.value().messages()) {
    if (message.has_hello()) {
      receive_hello(routing, message.hello());
      continue;
    }
    const dispatch::Link* link = links_->find(routing);
    if (!link) {
      wire::CoordinatorFrame question;
      question.add_messages()->mutable_hello_wanted();
      if (!asked_for_hello) answer(routing, question);
      asked_for_hello = true;
      continue;
    }
    const LinkId id = link->id;
    links_->heard(id, parts_.time.now());
    auto event = dispatch::read_message(message, id,
                                        [this](const Digest& digest) { return has_blob(digest); });
    if (!event.ok()) continue;
    if (message.has_heartbeat()) {
      wire::CoordinatorFrame echo;
      echo.add_messages()->mutable_heartbeat();
      answer(routing, echo);
    }
    if (auto& said = event.value()) post(std::move(*said));
    if (message.has_goodbye()) links_->close(id);
  }
}

void CoordinatorProcess::receive_hello(const std::string& routing, const wire::Hello& hello) {
  const auto name = dispatch::check_hello(hello);
  if (!name.ok()) return turn_away(routing);
  if (const auto* other = links_->find_worker(name.value()); other && other->routing != routing) {
    const dispatch::Link older = *other;
    turn_away(older.routing);
    links_->close(older.id);
  }
  const dispatch::Link* link = links_->open(routing, name.value(), "", parts_.time.now());
  if (!link) return turn_away(routing);
  unreadable_.erase(routing);
  std::vector<core::Event> events;
  dispatch::read_hello(
      hello, link->id, [this](const Digest& digest) { return has_blob(digest); }, events);
  for (core::Event& event : events) post(std::move(event));
}

void CoordinatorProcess::receive_unreadable(const std::string& routing) {
  if (const auto* link = links_->find(routing)) links_->close(link->id);
  const int count = ++unreadable_[routing];
  if (count == 1) {
    wire::CoordinatorFrame question;
    question.add_messages()->mutable_hello_wanted();
    return answer(routing, question);
  }
  if (count < kUnreadableMax) return;
  unreadable_.erase(routing);
  turn_away(routing);
}

void CoordinatorProcess::turn_away(const std::string& routing) {
  wire::CoordinatorFrame frame;
  frame.add_messages()->mutable_turned()->set_why("not wanted");
  answer(routing, frame);
}

void CoordinatorProcess::answer(const std::string& routing, const wire::CoordinatorFrame& frame) {
  parts_.network.send_down(routing, frame.SerializeAsString());
}

void CoordinatorProcess::send_to(LinkId id, const std::vector<const core::Send*>& sends) {
  const dispatch::Link* found = links_->find(id);
  if (!found) return;
  const std::string routing = found->routing;
  wire::CoordinatorFrame frame;
  bool hello_wanted = false;
  for (const core::Send* send : sends) {
    parts_.audit.sends(*send);
    wire::CoordinatorMessage& message = *frame.add_messages();
    dispatch::write_message(*send, message);
    hello_wanted |= message.has_hello_wanted();
  }
  const bool reached = parts_.network.send_down(routing, frame.SerializeAsString());
  if (!reached || hello_wanted) links_->close(id);
}

}  // namespace pirouette::sim
