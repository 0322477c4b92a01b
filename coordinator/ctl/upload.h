#pragma once
// A submission's pictures, on their way to the server: only those that it does not have, each once.

#include "common/result.h"
#include "coordinator/ctl/client.h"
#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/submission.h"

namespace pirouette::ctl {

// The sheets get their references and originals. invalid: which pictures the server refuses, and
// why; the others are there then all the same.
Result<void> upload(Client& client, Submission& submission, Console& console);

}  // namespace pirouette::ctl
