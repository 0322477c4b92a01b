#include "coordinator/ctl/verified.h"

#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "common/blobs.h"
#include "common/files.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// A batch's most files, at some 200 bytes each.
constexpr std::size_t kMemoryMaxBytes = 256 << 20;

struct Stamp {
  std::uint64_t bytes;
  std::int64_t changed_ns;
};

std::optional<Stamp> stamp_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return Stamp{static_cast<std::uint64_t>(status.st_size),
               status.st_mtim.tv_sec * 1'000'000'000ll + status.st_mtim.tv_nsec};
}

}  // namespace

Verified::Verified(fs::path file) : file_(std::move(file)) {
  const auto bytes = read_file(file_, kMemoryMaxBytes);
  if (!bytes.ok()) return;
  const Json all = Json::parse(bytes.value(), nullptr, false);
  if (!all.is_object()) return;
  try {
    for (const auto& [path, seen] : all.items()) {
      seen_[path] = {seen.at("bytes"), seen.at("changed_ns"), seen.at("sha256")};
    }
  } catch (const Json::exception&) {
    seen_.clear();  // not written by us
  }
}

bool Verified::has(const fs::path& folder, const fs::path& path, const Digest& digest) {
  const auto stamp = stamp_of(folder / path);
  if (!stamp) return false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = seen_.find(path.string());
    const Seen wanted{stamp->bytes, stamp->changed_ns, to_hex(digest)};
    if (found != seen_.end() && found->second == wanted) return true;
  }
  const auto bytes = read_file(folder / path, kBlobMaxBytes);
  if (!bytes.ok() || sha256(bytes.value()) != digest) return false;
  add(folder, path, digest);
  return true;
}

void Verified::add(const fs::path& folder, const fs::path& path, const Digest& digest) {
  const auto stamp = stamp_of(folder / path);
  if (!stamp) return;
  const std::lock_guard lock(mutex_);
  seen_[path.string()] = {stamp->bytes, stamp->changed_ns, to_hex(digest)};
  changed_ = true;
}

Result<void> Verified::save() {
  const std::lock_guard lock(mutex_);
  if (!changed_) return {};
  Json all = Json::object();
  for (const auto& [path, seen] : seen_) {
    all[path] = {{"bytes", seen.bytes}, {"changed_ns", seen.changed_ns}, {"sha256", seen.sha256}};
  }
  TRY(write_file_durably(file_, all.dump(0, ' ', false, Json::error_handler_t::replace) + "\n"));
  changed_ = false;
  return {};
}

}  // namespace pirouette::ctl
