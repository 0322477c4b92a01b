#pragma once
// What a submission would be: its prompts, its cost, and how long it may take.

#include "common/result.h"
#include "common/time.h"
#include "coordinator/ctl/client.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/submission.h"

namespace pirouette::ctl {

// Sends nothing; asks the server, if one answers, what like jobs took. pinned: the batch's recipe
// with the bytes that its LoRAs' names stand for there.
void dry_run(Client& client, const BatchSpec& batch, const Recipe& pinned,
             const std::vector<std::string>& warnings, Instant now, Console& console);

}  // namespace pirouette::ctl
