#pragma once
// What a trial shows: one table of what was wanted and reached, and a line of JSON a picture.

#include <filesystem>

#include "tests/bench/turnaround/trial.h"

namespace pirouette::bench {

// What is wanted of a model with its turnaround LoRA.
inline constexpr double kViewsWanted = 0.97;       // right views at scale 1
inline constexpr double kCharactersWanted = 0.97;  // right characters at scale 1
inline constexpr double kSidesWanted = 0.95;       // things on the right side at scale 1
inline constexpr double kViewsWithoutMost = 0.30;  // right views at scale 0

// Prints it. True: all that is wanted was reached. A scale between 0 and 1 must show more right
// views than 0 does, and no more than 1 does of the same characters; where those were not rendered,
// nothing is wanted.
bool report(const Setup& setup, const Trial& trial);

// io: why it was not written.
Result<void> write_json_lines(const Trial& trial, const std::filesystem::path& path);

}  // namespace pirouette::bench
