#pragma once
// Which workers could take a batch's jobs: how long they need for what is left, and, where nothing
// moves, what is missing. Pure. That a worker rests after failures is not looked at here (explain.h
// does), so "could" means: if it is well and has room.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/store/read_model.h"

namespace pirouette::http {

// Jobs that are not over: done, failed or cancelled.
std::int64_t jobs_left(const core::Batch& batch);

// Remaining jobs x the mean seconds of one / workers that could take it. None before one is done,
// and while no worker could.
std::optional<std::int64_t> seconds_left(const store::BatchRow& row,
                                         const std::vector<store::WorkerRow>& workers);

// Why nobody renders anything of it just now, and what to do; none while somebody does and where
// nothing is left to render. stopped: why no work is given out at all; "": it is.
std::optional<std::string> waiting_for(const store::BatchRow& row,
                                       const std::vector<store::WorkerRow>& workers,
                                       const std::string& stopped);

// All that is left of it waits for a person: no worker would change that.
bool is_all_held(const store::BatchRow& row);

// What that person is to do, of "the batch" that waits for it.
std::string held_words(const core::Batch& batch);

// What is to be done about a farm that is stopped, and why it is.
std::string stopped_words(const std::string& stopped);

// Online, with the recipe's model, and each of its LoRAs or room to fetch it.
bool can_render(const core::Worker& worker, const Recipe& recipe);

// "the LoRA ink": the first thing of the recipe that the worker has not; "" if it has all.
std::string what_it_lacks(const core::Worker& worker, const Recipe& recipe);

// What no online worker has, or has together with the rest; of use where none can render it.
std::string what_is_missing(const Recipe& recipe, const std::vector<store::WorkerRow>& workers);

}  // namespace pirouette::http
