#pragma once
// Pictures to look at: for each character a row of true views and below it the rendered ones, each
// framed in red where it shows the wrong view, in orange where it shows another character.

#include <filesystem>

#include "tests/bench/turnaround/trial.h"

namespace pirouette::bench {

// Of each scale the first `shown` characters, four a sheet (scale-1_0.png, …), and the four with
// most wrong pictures (scale-1_worst.png). io: which file was not written.
Result<void> write_contact_sheets(const Trial& trial, int shown,
                                  const std::filesystem::path& folder);

}  // namespace pirouette::bench
