#include "coordinator/ctl/download.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "common/open_file.h"

namespace pirouette::ctl {
namespace {

namespace fs = std::filesystem;

// A connection that breaks is made again so often without a byte in between, and longer apart each
// time: seconds, as a coordinator's restart takes.
constexpr int kBrokenMax = 4;
constexpr std::chrono::milliseconds kPause{250};
// Damaged on the way once is bad luck; twice, somebody must look.
constexpr int kCorruptMax = 2;
constexpr std::size_t kChunkBytes = 1 << 18;

Error kept(Error error) {
  error.what += "; what came so far is kept: mend that and fetch again";
  return error;
}

// The part of a file that is here, with the hash of what it holds.
class Partial {
 public:
  static Result<Partial> open(const fs::path& path, std::uint64_t bytes_max) {
    Partial partial(path);
    partial.fd_ =
        std::make_unique<OpenFile>(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (partial.fd_->fd < 0) return io_error("cannot create", path);
    TRY(partial.read_what_is_there());
    if (partial.bytes_ > bytes_max) TRY(partial.restart());
    return partial;
  }

  std::uint64_t bytes() const { return bytes_; }

  Result<void> append(std::span<const std::uint8_t> bytes) {
    Result<void> written = write_all(fd_->fd, bytes, path_);
    if (!written.ok()) {
      // Half a chunk may be there; what is hashed is what counts.
      static_cast<void>(::ftruncate(fd_->fd, static_cast<off_t>(bytes_)));
      return kept(std::move(written).error());
    }
    hash_.update(bytes);
    bytes_ += bytes.size();
    return {};
  }

  Result<void> restart() {
    if (::ftruncate(fd_->fd, 0) != 0 || ::lseek(fd_->fd, 0, SEEK_SET) != 0) {
      return io_error("cannot empty", path_);
    }
    hash_ = Sha256();
    bytes_ = 0;
    return {};
  }

  Digest finish() { return hash_.finish(); }  // once, then restart()

  Result<void> rename_to(const fs::path& target) {
    if (::fsync(fd_->fd) != 0) return kept(io_error("cannot sync", path_));
    if (::rename(path_.c_str(), target.c_str()) != 0) {
      return kept(io_error("cannot rename to", target));
    }
    return {};
  }

 private:
  explicit Partial(fs::path path) : path_(std::move(path)) {}

  Result<void> read_what_is_there() {
    std::vector<std::uint8_t> chunk(kChunkBytes);
    for (;;) {
      const ssize_t n = ::read(fd_->fd, chunk.data(), chunk.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return io_error("cannot read", path_);
      if (n == 0) return {};
      hash_.update(std::span(chunk.data(), static_cast<std::size_t>(n)));
      bytes_ += static_cast<std::uint64_t>(n);
    }
  }

  fs::path path_;
  std::unique_ptr<OpenFile> fd_;
  Sha256 hash_;
  std::uint64_t bytes_ = 0;
};

// One path may get another digest, and one digest may stand at two paths.
fs::path partial_path(const DeliveryFile& file, const fs::path& folder) {
  return folder / kStateFolder / to_hex(sha256(file.path.string() + "\n" + to_hex(file.digest)));
}

Result<void> receive_once(Client& client, const DeliveryFile& file, Partial& partial) {
  return client.read_blob(
      file.digest, partial.bytes(),
      [&](std::uint64_t at, std::span<const std::uint8_t> bytes) -> Result<void> {
        if (at == 0 && partial.bytes() > 0) TRY(partial.restart());  // it knows no ranges
        if (at != partial.bytes() || bytes.size() > file.bytes - at) {
          return Error{Errc::corrupt, "the server sends more than the file's " +
                                          std::to_string(file.bytes) + " bytes"};
        }
        return partial.append(bytes);
      });
}

// Until all bytes are there, whatever the connection does.
Result<void> receive(Client& client, const DeliveryFile& file, Partial& partial) {
  for (int broken = 0; partial.bytes() < file.bytes;) {
    const std::uint64_t before = partial.bytes();
    Result<void> received = receive_once(client, file, partial);
    if (received.ok() && partial.bytes() >= file.bytes) break;
    const bool may_come_back = received.ok() || received.error().code == Errc::timeout ||
                               received.error().code == Errc::busy;
    if (!may_come_back) return received;
    if (partial.bytes() > before) broken = 0;
    if (++broken > kBrokenMax) {
      if (received.ok()) return Error{Errc::corrupt, "the server sends only a part of it"};
      return kept(std::move(received).error());
    }
    std::this_thread::sleep_for(kPause * broken);
  }
  return {};
}

}  // namespace

Result<Fetched> fetch_file(Client& client, const DeliveryFile& file, const fs::path& folder,
                           Verified& verified) {
  if (verified.has(folder, file.path, file.digest)) return Fetched::there_already;
  Partial partial = TRY(Partial::open(partial_path(file, folder), file.bytes));
  for (int corrupt = 0;;) {
    TRY(receive(client, file, partial));
    if (partial.finish() == file.digest) break;
    TRY(partial.restart());
    if (++corrupt == kCorruptMax) {
      return Error{Errc::corrupt, "what came does not have the file's hash, " +
                                      std::to_string(kCorruptMax) +
                                      " times; it was thrown away. Look at the server's disk and "
                                      "at what stands between, then fetch again"};
    }
  }
  TRY(partial.rename_to(folder / file.path));
  verified.add(folder, file.path, file.digest);
  return Fetched::now;
}

}  // namespace pirouette::ctl
