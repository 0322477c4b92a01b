#pragma once
// Work that is shared out among threads. The first error ends them all.

#include <cstddef>
#include <functional>
#include <optional>

#include "common/result.h"

namespace pirouette::bench {

// body(next) on so many threads; next(): an index below count that no other has, none when there is
// no more.
using Next = std::function<std::optional<std::size_t>()>;
Result<void> on_threads(int threads, std::size_t count,
                        const std::function<Result<void>(const Next&)>& body);

// Calls work(index) for every index below count, on so many threads.
Result<void> beside_each_other(int threads, std::size_t count,
                               const std::function<Result<void>(std::size_t index)>& work);

}  // namespace pirouette::bench
