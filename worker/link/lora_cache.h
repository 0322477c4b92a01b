#pragma once
// Fetched LoRAs on the worker's disk. A blob folder with a size limit that is kept before bytes
// come, not after: room is reserved for a file, and what was used longest ago goes for it, but
// nothing that a job needs. When a file was used last stands in its access time, so the order
// outlives a restart; its time of change stays, by which the engine knows that the bytes are the
// same.
//
// Safe for several threads of one process.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/time.h"
#include "worker/link/blob_cache.h"

namespace pirouette::link {

class LoraCache final : public BlobCache {
 public:
  static Result<std::unique_ptr<LoraCache>> open(std::filesystem::path folder,
                                                 std::uint64_t max_bytes);

  std::uint64_t max_bytes() const { return max_bytes_; }
  bool contains(const Digest& digest) const override { return blobs_.contains(digest); }

  // It is there, and was used now.
  bool use(const Digest& digest);
  // Room for a file that is to come, until it came or is given up. False: what is in use, and other
  // files that are to come, leave none.
  bool reserve(const Digest& digest, std::uint64_t bytes, const std::vector<Digest>& in_use);
  void give_up(const Digest& digest);

  Result<Blobs::Incoming> receive(const Digest& digest, std::uint64_t size) override;
  void came(const Digest& digest, std::uint64_t size) override;
  std::string_view noun() const override { return "LoRA"; }

  // The engine's residency with "lora_cache" in it: {"limit_bytes", "held_bytes", "loras":
  // [{"sha256", "bytes"}, …]}, the one used last first.
  std::string described_in(const std::string& residency) const;

 private:
  struct File {
    std::uint64_t bytes = 0;
    Instant used_at;
  };

  LoraCache(std::filesystem::path folder, Blobs blobs, std::uint64_t max_bytes)
      : folder_(std::move(folder)), blobs_(std::move(blobs)), max_bytes_(max_bytes) {}

  void find_files();
  void drop_partial_files() const;
  std::uint64_t taken_bytes() const;

  const std::filesystem::path folder_;
  Blobs blobs_;
  const std::uint64_t max_bytes_;

  mutable std::mutex mutex_;  // of what follows
  std::map<Digest, File> files_;
  std::map<Digest, std::uint64_t> reserved_;
};

}  // namespace pirouette::link
