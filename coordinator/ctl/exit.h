#pragma once
// How the command line ends. Scripts depend on these numbers: never change one.

#include "common/result.h"

namespace pirouette::ctl {

enum class Exit : int {
  ok = 0,
  failed = 1,
  usage = 2,        // the command line makes no sense
  unreachable = 3,  // no server, or it stopped answering
  incomplete = 4,   // it worked, but the batch has gaps, was cancelled or is not finished
};

// Client gives timeout for a server that cannot be reached, and nothing else does.
constexpr Exit exit_of(const Error& error) {
  return error.code == Errc::timeout ? Exit::unreachable : Exit::failed;
}

}  // namespace pirouette::ctl
