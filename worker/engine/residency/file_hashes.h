#pragma once
// SHA-256 of model files, read once: 10 GB of text encoders take six seconds (1.5 GB/s, measured)
// and a read of the disk, and their hash names every cached embedding. What a file's stamp says is
// remembered, on disk too, so that a worker that starts again does not read them. A memo that is
// damaged or gone costs time only.

#include <filesystem>
#include <map>
#include <span>

#include "common/hash.h"
#include "common/result.h"
#include "worker/engine/residency/file_stamps.h"

namespace pirouette::engine {

class FileHashes {
 public:
  // memo: a file that this process alone writes; empty for none.
  explicit FileHashes(std::filesystem::path memo);

  Result<Digest> hash(const std::filesystem::path& file);
  // One hash for several files: of their names and hashes, in the given order. Folders above do not
  // count, so that a copy of a model has the same.
  Result<Digest> hash_all(std::span<const std::filesystem::path> files);

 private:
  void remember();

  std::filesystem::path memo_;
  std::map<FileStamp, Digest> known_;
};

}  // namespace pirouette::engine
