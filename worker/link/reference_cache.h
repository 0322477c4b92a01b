#pragma once
// References on the worker's disk, so that the poses of a sheet fetch theirs once. A blob folder
// with a size limit: beyond it the ones not used for longest go. Safe for several threads.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "common/blobs.h"
#include "common/result.h"
#include "worker/link/blob_cache.h"

namespace pirouette::link {

class ReferenceCache final : public BlobCache {
 public:
  static Result<ReferenceCache> open(std::filesystem::path folder, std::uint64_t max_bytes);

  bool contains(const Digest& digest) const override { return blobs_.contains(digest); }
  // Counts as a use. A damaged file is removed, so that it is fetched again.
  Result<std::vector<std::uint8_t>> read(const Digest& digest) const;
  Result<Blobs::Incoming> receive(const Digest& digest, std::uint64_t size) override;
  void came(const Digest& digest, std::uint64_t size) override;
  std::string_view noun() const override { return "reference"; }

 private:
  ReferenceCache(std::filesystem::path folder, Blobs blobs, std::uint64_t max_bytes)
      : folder_(std::move(folder)), blobs_(std::move(blobs)), max_bytes_(max_bytes) {}

  std::filesystem::path folder_;
  Blobs blobs_;
  std::uint64_t max_bytes_;
};

}  // namespace pirouette::link
