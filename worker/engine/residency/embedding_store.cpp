#include "worker/engine/residency/embedding_store.h"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "common/files.h"

namespace pirouette::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = "pirouette text 1";
constexpr std::size_t kDigestBytes = 32;
constexpr std::size_t kHeadBytes = kMark.size() + kDigestBytes;
constexpr std::string_view kEnding = ".embedding";

// An embedding of 512 tokens in float32 is 8 MB.
constexpr std::size_t kFileMaxBytes = 64u << 20;

// What a write that was cut off left behind; nothing writes for so long.
constexpr std::chrono::hours kTornAge{1};

}  // namespace

fs::path EmbeddingStore::path_of(const Digest& key) const {
  return folder_ / (to_hex(key) + std::string(kEnding));
}

std::optional<std::vector<std::uint8_t>> EmbeddingStore::find(const Digest& key) const {
  if (folder_.empty()) return std::nullopt;
  const fs::path path = path_of(key);
  auto read = read_file(path, kFileMaxBytes);
  if (!read.ok()) return std::nullopt;
  const std::vector<std::uint8_t> bytes = std::move(read).value();
  std::error_code ignored;
  Digest written;
  if (bytes.size() > kHeadBytes && std::equal(kMark.begin(), kMark.end(), bytes.begin())) {
    std::copy_n(bytes.begin() + kMark.size(), kDigestBytes, written.bytes.begin());
    const auto rest = std::span(bytes).subspan(kHeadBytes);
    if (sha256(rest) == written) {
      fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);  // used now
      return std::vector<std::uint8_t>(rest.begin(), rest.end());
    }
  }
  fs::remove(path, ignored);
  return std::nullopt;
}

Result<void> EmbeddingStore::save(const Digest& key, std::span<const std::uint8_t> bytes) const {
  if (folder_.empty()) return {};
  std::error_code failed;
  fs::create_directories(folder_, failed);
  if (failed) return Error{Errc::io, "cannot make " + folder_.string() + ": " + failed.message()};
  std::vector<std::uint8_t> file(kHeadBytes + bytes.size());
  const Digest digest = sha256(bytes);
  const auto after_mark = std::ranges::copy(kMark, file.begin()).out;
  const auto after_digest = std::ranges::copy(digest.bytes, after_mark).out;
  std::ranges::copy(bytes, after_digest);
  TRY(write_file_durably(path_of(key), file));
  make_room();
  return {};
}

void EmbeddingStore::make_room() const {
  struct File {
    fs::file_time_type used;
    fs::path path;
    std::uint64_t bytes;
  };
  std::vector<File> files;
  std::uint64_t total = 0;
  std::error_code failed, ignored;
  const auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator it(folder_, failed), end; !failed && it != end;
       it.increment(failed)) {
    const auto used = fs::last_write_time(it->path(), ignored);
    if (it->path().extension() != kEnding) {
      if (it->path().string().find(".tmp") != std::string::npos && now - used > kTornAge)
        fs::remove(it->path(), ignored);
      continue;
    }
    const auto bytes = fs::file_size(it->path(), ignored);
    if (ignored) continue;
    files.push_back({used, it->path(), bytes});
    total += bytes;
  }
  std::ranges::sort(files, {}, &File::used);
  for (const File& file : files) {
    if (total <= max_bytes_) return;
    if (fs::remove(file.path, ignored)) total -= file.bytes;
  }
}

}  // namespace pirouette::engine
