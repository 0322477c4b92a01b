#pragma once
// The LoRAs of a recipe that are registered on the server: their triggers, and which bytes a batch
// would get.

#include "common/job/triggers.h"
#include "coordinator/ctl/client.h"

namespace pirouette::ctl {

struct Registered {
  RegisteredTriggers triggers;
  Recipe pinned;  // the recipe, with the bytes that its names stand for now
};

// Without a server that answers, as if there were none.
Registered find_registered(Client& client, const Recipe& recipe);

}  // namespace pirouette::ctl
