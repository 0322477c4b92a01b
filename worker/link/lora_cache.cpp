#include "worker/link/lora_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/job/recipe.h"
#include "common/log.h"

namespace pirouette::link {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Of those that are there, how many are told: 13 KB of a heartbeat.
constexpr std::size_t kToldMax = 128;

Instant read_used_at(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {status.st_atim.tv_sec * 1'000'000 + status.st_atim.tv_nsec / 1000};
}

// Best effort: after a restart the order is a little older.
void write_used_at(const fs::path& file, Instant at) {
  const timespec times[] = {{at.us / 1'000'000, at.us % 1'000'000 * 1000}, {0, UTIME_OMIT}};
  static_cast<void>(::utimensat(AT_FDCWD, file.c_str(), times, 0));
}

}  // namespace

Result<std::unique_ptr<LoraCache>> LoraCache::open(fs::path folder, std::uint64_t max_bytes) {
  Blobs blobs = TRY(Blobs::open(folder));
  std::unique_ptr<LoraCache> cache(new LoraCache(std::move(folder), std::move(blobs), max_bytes));
  cache->find_files();
  return cache;
}

void LoraCache::find_files() {
  std::error_code code;
  for (const auto& entry : fs::recursive_directory_iterator(folder_, code)) {
    const auto digest = parse_digest(entry.path().filename().string());
    if (!digest.ok() || entry.path() != blobs_.path(digest.value())) continue;
    files_[digest.value()] = {entry.file_size(code), read_used_at(entry.path())};
  }
}

bool LoraCache::use(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  const auto size = blobs_.find_size(digest);
  if (!size.ok()) {
    files_.erase(digest);  // the engine removes one that is damaged
    return false;
  }
  File& file = files_[digest];
  file = {size.value(), wall_clock_now()};
  write_used_at(blobs_.path(digest), file.used_at);
  return true;
}

std::uint64_t LoraCache::taken_bytes() const {
  std::uint64_t taken = 0;
  for (const auto& [digest, file] : files_) taken += file.bytes;
  for (const auto& [digest, bytes] : reserved_) taken += bytes;
  return taken;
}

bool LoraCache::reserve(const Digest& digest, std::uint64_t bytes,
                        const std::vector<Digest>& in_use) {
  const std::lock_guard lock(mutex_);
  if (reserved_.contains(digest)) return true;
  while (bytes > max_bytes_ || taken_bytes() > max_bytes_ - bytes) {
    auto oldest = files_.end();
    for (auto at = files_.begin(); at != files_.end(); ++at) {
      if (std::ranges::find(in_use, at->first) != in_use.end()) continue;
      if (oldest == files_.end() || at->second.used_at < oldest->second.used_at) oldest = at;
    }
    if (oldest == files_.end()) return false;
    std::error_code ignored;
    fs::remove(blobs_.path(oldest->first), ignored);
    log::info("worker", "LoRA " + to_hex(oldest->first) + " went to make room for another");
    files_.erase(oldest);
  }
  reserved_[digest] = bytes;
  drop_partial_files();
  return true;
}

// What was begun and is not wanted now takes room that nobody counts.
void LoraCache::drop_partial_files() const {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_ / "incoming", ignored)) {
    const auto digest = parse_digest(entry.path().filename().string());
    if (digest.ok() && reserved_.contains(digest.value())) continue;
    fs::remove(entry.path(), ignored);
  }
}

void LoraCache::give_up(const Digest& digest) {
  const std::lock_guard lock(mutex_);
  reserved_.erase(digest);
}

Result<Blobs::Incoming> LoraCache::receive(const Digest& digest, std::uint64_t size) {
  {
    const std::lock_guard lock(mutex_);
    const auto reserved = reserved_.find(digest);
    if (reserved == reserved_.end() || size != reserved->second) {
      return Error{Errc::invalid,
                   "the coordinator has " + std::to_string(size) +
                       " bytes under its digest, which are not those that the job's order names"};
    }
  }
  return blobs_.receive(digest, size, kLoraMaxBytes);
}

void LoraCache::came(const Digest& digest, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  reserved_.erase(digest);
  files_[digest] = {size, wall_clock_now()};
}

std::string LoraCache::described_in(const std::string& residency) const {
  json said = json::parse(residency, nullptr, false);
  if (!said.is_object()) return residency;
  std::vector<std::pair<Digest, File>> files;
  {
    const std::lock_guard lock(mutex_);
    files.assign(files_.begin(), files_.end());
  }
  std::ranges::sort(files, [](const auto& a, const auto& b) {
    return a.second.used_at != b.second.used_at ? a.second.used_at > b.second.used_at
                                                : a.first < b.first;
  });
  std::uint64_t held = 0;
  json loras = json::array();
  for (const auto& [digest, file] : files) {
    held += file.bytes;
    if (loras.size() == kToldMax) continue;
    loras.push_back({{"sha256", to_hex(digest)}, {"bytes", file.bytes}});
  }
  said["lora_cache"] = {
      {"limit_bytes", max_bytes_}, {"held_bytes", held}, {"loras", std::move(loras)}};
  return said.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace pirouette::link
