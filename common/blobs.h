#pragma once
// The blob folder: files named by the SHA-256 of their bytes, ROOT/ab/abcdef…. A blob that is there
// is whole: it got its name by a rename after its bytes were hashed and synced. Blobs are never
// changed. Safe for several threads and processes at once.

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "common/hash.h"
#include "common/result.h"

namespace pirouette {

// A blob may be no larger, but where it is asked for: a 100-megapixel PNG fits, a video does not.
inline constexpr std::uint64_t kBlobMaxBytes = 512ull << 20;

class Blobs {
 public:
  static Result<Blobs> open(std::filesystem::path root);  // makes the folder

  bool contains(const Digest& digest) const;  // false too when the disk cannot tell
  // As contains(), and its name would outlive a power cut: another thread or process may have just
  // named it and not got as far as the sync.
  bool contains_durably(const Digest& digest) const;
  // Bytes. not_found: it is not there; io: the disk cannot tell, so it may be.
  Result<std::uint64_t> find_size(const Digest& digest) const;
  std::filesystem::path path(const Digest& digest) const { return path_in(root_, digest); }
  static std::filesystem::path path_in(const std::filesystem::path& root, const Digest& digest);
  Result<std::vector<std::uint8_t>> read(const Digest& digest) const;  // not_found, corrupt
  // Up to length bytes from offset on; fewer at the end.
  Result<std::vector<std::uint8_t>> read_range(const Digest& digest, std::uint64_t offset,
                                               std::size_t length) const;

  // Durable once it returns: file and folder are synced. Putting twice is the same as once.
  Result<Digest> put(std::span<const std::uint8_t> bytes);

  // A blob that arrives in pieces, in order, under a promised name. It can go on where an earlier
  // Incoming for the same digest stopped: its partial file stays until finish() or discard().
  class Incoming {
   public:
    std::uint64_t received() const { return received_; }
    Result<void> append(std::span<const std::uint8_t> bytes);
    // Checks size and hash, syncs, names the file. corrupt: the bytes are not what was promised.
    // The partial file is thrown away then, and when it cannot be synced or named: after a failed
    // sync the next one says that all is well, although pages are lost.
    Result<void> finish();
    void discard();
    ~Incoming();
    Incoming(Incoming&&) noexcept;
    Incoming& operator=(Incoming&&) = delete;

   private:
    friend class Blobs;
    Incoming() = default;
    std::filesystem::path partial_, final_;
    Digest digest_;
    std::uint64_t size_ = 0, received_ = 0;
    int fd_ = -1;
  };
  // invalid: larger than max_bytes. busy: somebody else receives it just now; one Incoming a digest
  // at a time.
  Result<Incoming> receive(const Digest& digest, std::uint64_t size,
                           std::uint64_t max_bytes = kBlobMaxBytes);

 private:
  explicit Blobs(std::filesystem::path root) : root_(std::move(root)) {}
  std::filesystem::path root_;
};

}  // namespace pirouette
