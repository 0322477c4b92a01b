#pragma once
// The agent's words as messages of the control socket, and the coordinator's messages as the
// agent's events. Pure.

#include <vector>

#include "common/wire/frames.h"
#include "worker/agent/event.h"
#include "worker/engine/engine.h"

namespace pirouette::link {

// What a Hello says of the worker itself.
struct Portrait {
  std::string name;
  engine::Device device;
  std::string engine_build;
  std::vector<std::string> models, loras;
  std::uint64_t lora_cache_bytes = 0;
  std::vector<std::string> tags;
};

void write_message(const agent::Say& say, const Portrait& portrait, wire::WorkerMessage& message);

// Appends what the frame says, beginning with CoordinatorWasHeard. Messages without what they need
// are left out; unknown ones too.
void read_frame(const wire::CoordinatorFrame& frame, std::vector<agent::Event>& events);

}  // namespace pirouette::link
