// How the folder stays true: every file is written in ROOT/incoming and renamed into its shard
// ROOT/00 … ROOT/ff, which open() makes, so that a put needs no new folder. A partial file is
// locked (flock) while somebody writes to it; what nobody has touched for a day is swept away by
// open().

#include "common/blobs.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "common/files.h"
#include "common/open_file.h"

namespace pirouette {
namespace fs = std::filesystem;
namespace {

// A transfer that stopped longer ago than this starts again from nothing. Long enough for a machine
// that is away overnight.
constexpr auto kPartialMaxAge = std::chrono::hours(24);

constexpr std::size_t kHashChunkBytes = 256 << 10;

// Fills out from offset on, less only where the file ends.
Result<std::size_t> read_at(int fd, std::span<std::uint8_t> out, std::uint64_t offset,
                            const fs::path& path) {
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t n =
        ::pread(fd, out.data() + have, out.size() - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("cannot read", path);
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  return have;
}

Result<Digest> hash_file(int fd, const fs::path& path) {
  Sha256 hash;
  std::vector<std::uint8_t> chunk(kHashChunkBytes);
  for (std::uint64_t offset = 0;;) {
    const std::size_t n = TRY(read_at(fd, chunk, offset, path));
    if (n == 0) return hash.finish();
    hash.update(std::span(chunk).first(n));
    offset += n;
  }
}

// Syncs what fd holds and gives it its name for good.
Result<void> publish(int fd, const fs::path& from, const fs::path& to) {
  if (::fsync(fd) != 0) return io_error("cannot sync", from);
  if (::rename(from.c_str(), to.c_str()) != 0) return io_error("cannot rename to", to);
  return sync_folder(to.parent_path());
}

Result<void> make_folders(const fs::path& root) {
  std::error_code failed;
  fs::create_directories(root / "incoming", failed);
  static constexpr char kDigits[] = "0123456789abcdef";
  for (unsigned shard = 0; shard < 256 && !failed; ++shard) {
    fs::create_directory(root / std::string{kDigits[shard >> 4], kDigits[shard & 15]}, failed);
  }
  if (failed) {
    return Error{Errc::io,
                 "cannot make the blob folder " + root.string() + ": " + failed.message()};
  }
  return sync_folder(root);
}

// Removes the file under its lock, so that nobody goes on writing to a file without a name.
void remove_unless_held(const fs::path& path) {
  const OpenFile file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd >= 0 && ::flock(file.fd, LOCK_EX | LOCK_NB) == 0) ::unlink(path.c_str());
}

// Best effort: a file that cannot be swept costs room and nothing else.
void sweep_incoming(const fs::path& folder) {
  std::error_code ignored;
  const auto oldest = fs::file_time_type::clock::now() - kPartialMaxAge;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const auto written = entry.last_write_time(ignored);
    if (!ignored && written < oldest) remove_unless_held(entry.path());
  }
}

// Opens the partial file and locks it. Another process may name or discard the file between the
// two, so what got locked must still be what the path says.
Result<int> open_partial(const fs::path& partial) {
  for (;;) {
    const int fd = ::open(partial.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return io_error("cannot create", partial);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      ::close(fd);
      return Error{Errc::busy, "somebody else is receiving " + partial.filename().string()};
    }
    struct stat held {};
    struct stat named {};
    if (::fstat(fd, &held) == 0 && ::stat(partial.c_str(), &named) == 0 &&
        held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
      return fd;
    }
    ::close(fd);
  }
}

}  // namespace

Result<Blobs> Blobs::open(fs::path root) {
  TRY(make_folders(root));
  sweep_incoming(root / "incoming");
  return Blobs(std::move(root));
}

fs::path Blobs::path_in(const fs::path& root, const Digest& digest) {
  const std::string hex = to_hex(digest);
  return root / hex.substr(0, 2) / hex;
}

Result<std::uint64_t> Blobs::find_size(const Digest& digest) const {
  const fs::path file = path(digest);
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return io_error("cannot find", file);
  if (!S_ISREG(status.st_mode)) return Error{Errc::io, file.string() + " is not a file"};
  return static_cast<std::uint64_t>(status.st_size);
}

bool Blobs::contains(const Digest& digest) const { return find_size(digest).ok(); }

bool Blobs::contains_durably(const Digest& digest) const {
  return contains(digest) && sync_folder(path(digest).parent_path()).ok();
}

Result<std::vector<std::uint8_t>> Blobs::read(const Digest& digest) const {
  auto bytes = TRY(read_file(path(digest), kBlobMaxBytes));
  if (sha256(bytes) != digest) {
    return Error{Errc::corrupt, path(digest).string() +
                                    " does not hold the bytes that its name promises; restore it "
                                    "from a backup, or stop the coordinator, delete it and hand it "
                                    "in again"};
  }
  return bytes;
}

Result<std::vector<std::uint8_t>> Blobs::read_range(const Digest& digest, std::uint64_t offset,
                                                    std::size_t length) const {
  const fs::path from = path(digest);
  const OpenFile file{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return io_error("cannot open", from);
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) return io_error("cannot read", from);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (offset >= size) return std::vector<std::uint8_t>{};
  std::vector<std::uint8_t> bytes(
      static_cast<std::size_t>(std::min<std::uint64_t>(length, size - offset)));
  bytes.resize(TRY(read_at(file.fd, bytes, offset, from)));
  return bytes;
}

Result<Digest> Blobs::put(std::span<const std::uint8_t> bytes) {
  if (bytes.size() > kBlobMaxBytes) {
    return Error{Errc::invalid, "a blob of " + std::to_string(bytes.size()) + " bytes; at most " +
                                    std::to_string(kBlobMaxBytes) + " are accepted"};
  }
  const Digest digest = sha256(bytes);
  const fs::path to = path(digest);
  if (contains(digest)) {
    TRY(sync_folder(to.parent_path()));  // whoever named it may not have got that far yet
    return digest;
  }
  static std::atomic<unsigned> counter{0};
  const fs::path partial =
      root_ / "incoming" /
      (to_hex(digest) + "." + std::to_string(::getpid()) + "." + std::to_string(counter++));
  const OpenFile file{::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
  if (file.fd < 0) return io_error("cannot create", partial);
  Result<void> done = write_all(file.fd, bytes, partial);
  if (done.ok()) done = publish(file.fd, partial, to);
  if (!done.ok()) {
    ::unlink(partial.c_str());
    return std::move(done).error();
  }
  return digest;
}

Result<Blobs::Incoming> Blobs::receive(const Digest& digest, std::uint64_t size,
                                       std::uint64_t max_bytes) {
  if (size > max_bytes) {
    return Error{Errc::invalid, "a blob of " + std::to_string(size) +
                                    " bytes is announced; at most " + std::to_string(max_bytes) +
                                    " are accepted"};
  }
  Incoming incoming;
  incoming.partial_ = root_ / "incoming" / to_hex(digest);
  incoming.final_ = path(digest);
  incoming.digest_ = digest;
  incoming.size_ = size;
  incoming.fd_ = TRY(open_partial(incoming.partial_));
  struct stat status {};
  if (::fstat(incoming.fd_, &status) != 0) return io_error("cannot read", incoming.partial_);
  incoming.received_ = static_cast<std::uint64_t>(status.st_size);
  if (incoming.received_ > size) {  // of another promise; finish() would refuse it
    if (::ftruncate(incoming.fd_, 0) != 0) return io_error("cannot empty", incoming.partial_);
    incoming.received_ = 0;
  }
  return incoming;
}

Result<void> Blobs::Incoming::append(std::span<const std::uint8_t> bytes) {
  PIROUETTE_CHECK(fd_ >= 0);
  if (bytes.size() > size_ - received_) {
    return Error{Errc::invalid, "more than the announced " + std::to_string(size_) +
                                    " bytes of blob " + to_hex(digest_)};
  }
  Result<void> written = write_all(fd_, bytes, partial_);
  if (!written.ok()) {
    // A half-written piece would shift the rest: go back to where the piece began.
    if (::ftruncate(fd_, static_cast<off_t>(received_)) != 0) discard();
    return written;
  }
  received_ += bytes.size();
  return {};
}

Result<void> Blobs::Incoming::finish() {
  PIROUETTE_CHECK(fd_ >= 0);
  if (received_ != size_) {
    return Error{Errc::invalid, "blob " + to_hex(digest_) + " has " + std::to_string(received_) +
                                    " of " + std::to_string(size_) + " bytes; send the rest first"};
  }
  if (TRY(hash_file(fd_, partial_)) != digest_) {
    discard();
    return Error{Errc::corrupt,
                 "the bytes received as blob " + to_hex(digest_) + " hash to something else"};
  }
  Result<void> published = publish(fd_, partial_, final_);
  if (!published.ok()) {
    discard();
    return published;
  }
  ::close(std::exchange(fd_, -1));
  return {};
}

void Blobs::Incoming::discard() {
  if (fd_ < 0) return;
  ::unlink(partial_.c_str());
  ::close(std::exchange(fd_, -1));
}

Blobs::Incoming::Incoming(Incoming&& other) noexcept
    : partial_(std::move(other.partial_)),
      final_(std::move(other.final_)),
      digest_(other.digest_),
      size_(other.size_),
      received_(other.received_),
      fd_(std::exchange(other.fd_, -1)) {}

Blobs::Incoming::~Incoming() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace pirouette
