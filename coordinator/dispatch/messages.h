#pragma once
// The control socket's messages as the core's events, and the core's sends as messages. What a
// worker says is checked here, so that events hold only values within their limits. Pure; owned by
// dispatch's thread.

#include <functional>
#include <optional>
#include <vector>

#include "common/wire/frames.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/event.h"

namespace pirouette::dispatch {

// Whether a blob is whole and durable.
using IsStored = std::function<bool(const Digest&)>;

// The name, or why this Hello cannot be taken: invalid, in words for the worker's log.
Result<std::string> check_hello(const wire::Hello& hello);

// WorkerSaidHello, then a LeaseFinished for each result in its outbox. The Hello has been checked.
void read_hello(const wire::Hello& hello, LinkId link, const IsStored& is_stored,
                std::vector<core::Event>& events);

// Any other message. corrupt: it lacks what it needs, and is dropped. None: an unknown, newer kind.
Result<std::optional<core::Event>> read_message(const wire::WorkerMessage& message, LinkId link,
                                                const IsStored& is_stored);

LinkId link_of(const core::Send& send);
void write_message(const core::Send& send, wire::CoordinatorMessage& message);

}  // namespace pirouette::dispatch
