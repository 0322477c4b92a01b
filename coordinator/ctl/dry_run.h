#pragma once
// What a submission would be: its prompts, its cost, and how long it may take.

#include "common/result.h"
#include "common/time.h"
#include "coordinator/ctl/client.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/submission.h"

namespace pirouette::ctl {

// Sends nothing; asks the server, if one answers, what like jobs took.
void dry_run(Client& client, const BatchSpec& batch, Instant now, Console& console);

// What in the recipe may make worse sheets, a sentence each.
std::vector<std::string> find_doubts(const BatchSpec& batch);

}  // namespace pirouette::ctl
