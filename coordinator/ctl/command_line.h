#pragma once
// What was typed, to what is done and how it ends. Everything of main() but the process.

#include <string>
#include <vector>

#include "coordinator/ctl/commands.h"

namespace pirouette::ctl {

// arguments: without the program's name. Prints help, results and errors to console.
Exit run(std::vector<std::string> arguments, Console& console);

}  // namespace pirouette::ctl
