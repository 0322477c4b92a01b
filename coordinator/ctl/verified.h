#pragma once
// Which files of a delivery's folder were found whole, with their size and time of change: they
// need not be read and hashed again at each fetch. Only a memory: without it everything is hashed.
// Safe from any thread.

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>

#include "common/hash.h"
#include "common/result.h"

namespace pirouette::ctl {

class Verified {
 public:
  // One that is not there or cannot be read counts as empty.
  explicit Verified(std::filesystem::path file);

  // Is it there, and what digest says? Hashes it where it is not remembered.
  bool has(const std::filesystem::path& folder, const std::filesystem::path& path,
           const Digest& digest);
  // It was just written and hashed.
  void add(const std::filesystem::path& folder, const std::filesystem::path& path,
           const Digest& digest);

  Result<void> save();

 private:
  struct Seen {
    std::uint64_t bytes = 0;
    std::int64_t changed_ns = 0;
    std::string sha256;
    bool operator==(const Seen&) const = default;
  };

  const std::filesystem::path file_;
  std::mutex mutex_;
  std::map<std::string, Seen> seen_;  // by path in the folder
  bool changed_ = false;
};

}  // namespace pirouette::ctl
