#include "coordinator/http/thumbnails.h"

#include <algorithm>

#include "common/files.h"
#include "common/log.h"

namespace pirouette::http {
namespace {

namespace fs = std::filesystem;

// A thumbnail of kThumbnailMaxPx is far smaller.
constexpr std::size_t kThumbnailMaxBytes = 32u << 20;

}  // namespace

Thumbnails::Thumbnails(fs::path folder, Make make, std::uint64_t max_bytes)
    : folder_(std::move(folder)), make_(std::move(make)), max_bytes_(max_bytes) {
  struct Found {
    fs::file_time_type written;
    Kept kept;
  };
  std::vector<Found> all;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder_, failed)) {
    if (!entry.is_regular_file(failed)) continue;
    Found found;
    found.written = entry.last_write_time(failed);
    found.kept = {entry.path().filename().string(), entry.file_size(failed)};
    all.push_back(std::move(found));
  }
  std::sort(all.begin(), all.end(),
            [](const Found& a, const Found& b) { return a.written < b.written; });
  for (const Found& found : all) keep(found.kept.name, found.kept.bytes);
}

Result<std::vector<std::uint8_t>> Thumbnails::get(const Digest& digest, const fs::path& picture,
                                                  int height_px) {
  const std::string name = to_hex(digest) + "_" + std::to_string(height_px);
  if (touch(name)) {
    auto kept = read_file(folder_ / name, kThumbnailMaxBytes);
    if (kept.ok()) return kept;
  }
  making_.acquire();
  auto made = make_(picture, height_px);
  making_.release();
  if (!made.ok()) return made;
  // A cache that cannot be written is slow, not broken.
  const auto written = write_file_durably(folder_ / name, made.value());
  if (written.ok()) {
    keep(name, made.value().size());
  } else {
    log::warn("http", "cannot keep a thumbnail: " + written.error().what);
  }
  return made;
}

bool Thumbnails::touch(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(name);
  if (found == kept_.end()) return false;
  order_.splice(order_.end(), order_, found->second);
  return true;
}

void Thumbnails::keep(const std::string& name, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (const auto found = kept_.find(name); found != kept_.end()) {
    bytes_ -= found->second->bytes;
    order_.erase(found->second);
  }
  kept_[name] = order_.insert(order_.end(), {name, bytes});
  bytes_ += bytes;
  while (bytes_ > max_bytes_ && order_.size() > 1) {
    const Kept oldest = order_.front();
    order_.pop_front();
    kept_.erase(oldest.name);
    bytes_ -= oldest.bytes;
    std::error_code ignored;  // it was only a copy
    fs::remove(folder_ / oldest.name, ignored);
  }
}

}  // namespace pirouette::http
