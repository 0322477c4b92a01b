#pragma once
// What a trial drew, to be looked at: a row for each kind; in it, side by side, some edits'
// pictures before, as they should be after, and as they were drawn.

#include <filesystem>

#include "tests/bench/edits/trial.h"

namespace pirouette::bench {

// io: why it was not written.
Result<void> write_contact_sheet(const std::vector<JudgedEdit>& edits, int shown,
                                 const std::filesystem::path& path);

}  // namespace pirouette::bench
