#pragma once
// A table of a trial: a line for each kind of edit, and one for all.

#include "tests/bench/edits/trial.h"

namespace pirouette::bench {

void report(const EditSetup& setup, const std::vector<JudgedEdit>& edits);

}  // namespace pirouette::bench
