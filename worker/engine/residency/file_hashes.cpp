#include "worker/engine/residency/file_hashes.h"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/files.h"
#include "common/log.h"

namespace pirouette::engine {
namespace {

namespace fs = std::filesystem;

// A worker has some tens of files; a memo that grew past this starts anew.
constexpr std::size_t kKnownMax = 1000;

Result<Digest> read_and_hash(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::vector<char> chunk(1 << 20);
  Sha256 hash;
  while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || in.gcount() > 0) {
    hash.update({reinterpret_cast<const std::uint8_t*>(chunk.data()),
                 static_cast<std::size_t>(in.gcount())});
  }
  if (!in.eof()) return Error{Errc::io, "cannot read " + file.string()};
  return hash.finish();
}

}  // namespace

FileHashes::FileHashes(fs::path memo) : memo_(std::move(memo)) {
  if (memo_.empty()) return;
  std::ifstream in(memo_);
  for (std::string line; std::getline(in, line) && known_.size() < kKnownMax;) {
    std::istringstream words(line);
    FileStamp stamp;
    std::string hex;
    if (!(words >> stamp.device >> stamp.inode >> stamp.bytes >> stamp.changed_ns >> hex)) continue;
    const auto digest = parse_digest(hex);
    if (digest.ok()) known_[stamp] = digest.value();
  }
}

void FileHashes::remember() {
  if (memo_.empty()) return;
  std::ostringstream text;
  for (const auto& [stamp, digest] : known_)
    text << stamp.device << ' ' << stamp.inode << ' ' << stamp.bytes << ' ' << stamp.changed_ns
         << ' ' << to_hex(digest) << '\n';
  std::error_code ignored;  // a folder that cannot be made is told by the write
  fs::create_directories(memo_.parent_path(), ignored);
  const auto written = write_file_durably(memo_, text.str());
  if (!written.ok()) log::warn("engine", "hashes are not remembered: " + written.error().what);
}

Result<Digest> FileHashes::hash(const fs::path& file) {
  const FileStamp before = TRY(stamp_file(file));
  if (const auto found = known_.find(before); found != known_.end()) return found->second;
  const Digest digest = TRY(read_and_hash(file));
  if (TRY(stamp_file(file)) != before)
    return Error{Errc::io, file.string() + " changed while it was read"};
  if (known_.size() >= kKnownMax) known_.clear();
  known_[before] = digest;
  remember();
  return digest;
}

Result<Digest> FileHashes::hash_all(std::span<const fs::path> files) {
  std::string text;
  for (const fs::path& file : files)
    text += file.filename().string() + ' ' + to_hex(TRY(hash(file))) + '\n';
  return sha256(std::string_view(text));
}

}  // namespace pirouette::engine
