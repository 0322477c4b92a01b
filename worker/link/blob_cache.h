#pragma once
// Where a BlobClient puts what it fetches. Called on its thread.

#include <cstdint>
#include <string_view>

#include "common/blobs.h"
#include "common/result.h"

namespace pirouette::link {

class BlobCache {
 public:
  virtual ~BlobCache() = default;
  virtual bool contains(const Digest& digest) const = 0;
  virtual Result<Blobs::Incoming> receive(const Digest& digest, std::uint64_t size) = 0;
  // It is whole and has its name.
  virtual void came(const Digest& digest, std::uint64_t size) = 0;
  virtual std::string_view noun() const = 0;  // of what it holds, for messages
};

}  // namespace pirouette::link
