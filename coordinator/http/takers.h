#pragma once
// Which workers could take a batch's jobs: how long they need for what is left, and, where nothing
// moves, what is missing. Pure. What a worker does not tell the database (that it rests after
// failures) is not known here, so "could" means: if it is well and has room.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/store/read_model.h"

namespace pirouette::http {

// Remaining jobs x the mean seconds of one / workers that could take it. None before one is done,
// and while no worker could.
std::optional<std::int64_t> seconds_left(const store::BatchRow& row,
                                         const std::vector<store::WorkerRow>& workers);

// Why nobody renders anything of it just now, and what to do; none while somebody does and where
// nothing is left to render.
std::optional<std::string> waiting_for(const store::BatchRow& row,
                                       const std::vector<store::WorkerRow>& workers);

}  // namespace pirouette::http
