#pragma once
// How much memory this process may use: the machine's, or less where its control group (a
// container, a Slurm job, a systemd unit) has a limit.

#include <cstdint>
#include <filesystem>

namespace pirouette::engine {

struct HostMemory {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;  // without swapping; cached files count as free
};

// root: where proc/ and sys/ are; for tests. All zero where nothing can be read.
HostMemory ask_host_memory(const std::filesystem::path& root = "/");

}  // namespace pirouette::engine
