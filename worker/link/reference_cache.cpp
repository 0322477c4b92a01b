#include "worker/link/reference_cache.h"

#include <algorithm>

#include "common/log.h"

namespace pirouette::link {

namespace fs = std::filesystem;

Result<ReferenceCache> ReferenceCache::open(fs::path folder, std::uint64_t max_bytes) {
  Blobs blobs = TRY(Blobs::open(folder));
  return ReferenceCache(std::move(folder), std::move(blobs), max_bytes);
}

Result<std::vector<std::uint8_t>> ReferenceCache::read(const Digest& digest) const {
  std::error_code ignored;
  fs::last_write_time(blobs_.path(digest), fs::file_time_type::clock::now(), ignored);
  auto bytes = blobs_.read(digest);
  if (!bytes.ok() && bytes.error().code == Errc::corrupt) fs::remove(blobs_.path(digest), ignored);
  return bytes;
}

Result<Blobs::Incoming> ReferenceCache::receive(const Digest& digest, std::uint64_t size) {
  return blobs_.receive(digest, size);
}

// Makes room.
void ReferenceCache::came(const Digest&, std::uint64_t) {
  struct Cached {
    fs::file_time_type used_at;
    std::uint64_t bytes;
    fs::path path;
  };
  std::vector<Cached> files;
  std::uint64_t total = 0;
  std::error_code code;
  for (const auto& entry : fs::recursive_directory_iterator(folder_, code)) {
    const auto digest = parse_digest(entry.path().filename().string());
    if (!digest.ok() || entry.path() != blobs_.path(digest.value())) continue;
    files.push_back({entry.last_write_time(code), entry.file_size(code), entry.path()});
    total += files.back().bytes;
  }
  if (total <= max_bytes_) return;
  std::sort(files.begin(), files.end(),
            [](const Cached& a, const Cached& b) { return a.used_at < b.used_at; });
  if (!files.empty()) files.pop_back();  // the one that just came is wanted
  for (const Cached& file : files) {
    if (total <= max_bytes_) return;
    if (fs::remove(file.path, code)) total -= file.bytes;
  }
  log::warn("cache", "one reference alone is beyond the cache's limit of " +
                         std::to_string(max_bytes_) + " bytes in " + folder_.string());
}

}  // namespace pirouette::link
