#include "worker/engine/residency/host_memory.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

namespace pirouette::engine {
namespace {

namespace fs = std::filesystem;

// The number behind a word at the start of a line: "MemTotal:  123 kB".
std::optional<std::uint64_t> number_behind(const fs::path& file, std::string_view word) {
  std::ifstream in(file);
  for (std::string first; in >> first; in.ignore(1 << 10, '\n')) {
    std::uint64_t number = 0;
    if (first == word && in >> number) return number;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> number_in(const fs::path& file) {
  std::ifstream in(file);
  std::uint64_t number = 0;
  return in >> number ? std::optional(number) : std::nullopt;  // "max" is no number
}

// This process' group in the version 2 hierarchy: "0::/user.slice/a".
fs::path own_group(const fs::path& root) {
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("0::/")) return line.substr(4);
  return {};
}

}  // namespace

HostMemory ask_host_memory(const fs::path& root) {
  constexpr std::uint64_t kKib = 1024;
  const fs::path meminfo = root / "proc/meminfo";
  HostMemory memory{number_behind(meminfo, "MemTotal:").value_or(0) * kKib,
                    number_behind(meminfo, "MemAvailable:").value_or(0) * kKib};
  const fs::path top = root / "sys/fs/cgroup";
  // A group's limit holds for the groups below it.
  for (fs::path group = own_group(root);; group = group.parent_path()) {
    if (const auto limit = number_in(top / group / "memory.max")) {
      const auto taken = number_behind(top / group / "memory.stat", "anon").value_or(0);
      memory.total_bytes = std::min(memory.total_bytes, *limit);
      memory.free_bytes = std::min(memory.free_bytes, *limit - std::min(*limit, taken));
    }
    if (group.empty()) return memory;
  }
}

}  // namespace pirouette::engine
