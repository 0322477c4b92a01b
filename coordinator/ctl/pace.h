#pragma once
// How long a batch may take, by what like jobs took on this farm. Like: the same model at the same
// size; steps and guidance that doubles them are counted in.

#include <cstdint>
#include <optional>

#include "common/job/recipe.h"
#include "common/result.h"
#include "coordinator/ctl/client.h"

namespace pirouette::ctl {

struct Pace {
  double job_seconds = 0;     // of one worker for one job
  std::uint64_t batch = 0;    // where it was measured
  std::uint64_t workers = 0;  // online, with the model and the LoRAs, and taking work
  std::uint64_t waiting = 0;  // jobs of other batches that are queued or being rendered
};

// None: no like job has been rendered yet. Errors are the client's.
Result<std::optional<Pace>> measure_pace(Client& client, const Recipe& recipe);

// Passes through the model for one job.
std::uint64_t passes_of(const Recipe& recipe);

}  // namespace pirouette::ctl
