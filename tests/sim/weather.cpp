#include "tests/sim/weather.h"

#include <iterator>

namespace pirouette::sim {

std::string_view name(Trouble trouble) {
  static constexpr std::string_view kNames[] = {"frame lost",
                                                "frame doubled",
                                                "frame overtakes",
                                                "frame late",
                                                "connection broken",
                                                "one-way cut",
                                                "partition",
                                                "killed before commit",
                                                "killed in commit",
                                                "killed after commit",
                                                "killed while sending",
                                                "killed",
                                                "suspended",
                                                "disk full",
                                                "disk error",
                                                "out of memory",
                                                "power cut",
                                                "reply lost",
                                                "assembly failed",
                                                "blob damaged",
                                                "worker killed",
                                                "worker stopped",
                                                "worker suspended",
                                                "worker disk full",
                                                "picture lost",
                                                "render failed",
                                                "render hangs",
                                                "engine broken",
                                                "render slow",
                                                "reference failed",
                                                "lie"};
  static_assert(std::size(kNames) == Weather::kKinds);
  return kNames[static_cast<std::size_t>(trouble)];
}

}  // namespace pirouette::sim
