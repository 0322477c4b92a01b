#pragma once
// Text embeddings on disk, so that a worker that starts again, or sees a prompt of yesterday, needs
// no text encoder. One file an embedding, named by its key; inside: a mark, the SHA-256 of the
// rest, the rest. A file that is torn or damaged is as good as none. Bounded: what was used longest
// ago goes. Only a cache: it may be deleted at any time. One process a folder.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "common/hash.h"
#include "common/result.h"

namespace pirouette::engine {

class EmbeddingStore {
 public:
  // folder: made when something is saved; empty: nothing is stored.
  EmbeddingStore(std::filesystem::path folder, std::uint64_t max_bytes)
      : folder_(std::move(folder)), max_bytes_(max_bytes) {}

  // None: not there, or damaged (then it is deleted).
  std::optional<std::vector<std::uint8_t>> find(const Digest& key) const;
  Result<void> save(const Digest& key, std::span<const std::uint8_t> bytes) const;

 private:
  std::filesystem::path path_of(const Digest& key) const;
  void make_room() const;

  std::filesystem::path folder_;
  std::uint64_t max_bytes_;
};

}  // namespace pirouette::engine
