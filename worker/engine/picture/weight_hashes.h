#pragma once
// The SHA-256 of weight files, by which a picture says what it was rendered with, and by which what
// was made from them is kept. 24 GB take a minute, so a hash is remembered, on disk, for as long as
// the file's stamp stays. Safe from any thread; two that ask for one file at once may both hash it.

#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "common/hash.h"
#include "common/result.h"
#include "worker/engine/residency/file_stamps.h"

namespace pirouette::engine {

struct LoraHash {
  std::string sha256;          // of the file
  std::string tensors_sha256;  // of what follows its header, by which the field knows LoRAs
};

class WeightHashes {
 public:
  // memory: the file that remembers; "" for none. One that cannot be read counts as empty.
  explicit WeightHashes(std::filesystem::path memory);

  // path: a safetensors file, or a PEFT adapter's folder. not_found, io.
  Result<LoraHash> lora(const std::filesystem::path& path);
  // path: a file, or a folder in diffusers' layout. A folder's hash is that of the lines "SHA-256,
  // two spaces, path in the folder" of the weights of its parts, sorted by path, as sha256sum
  // prints them; of its own where it has no parts. not_found, io.
  Result<std::string> model(const std::filesystem::path& path);

  // One for several files: of their names and hashes, in the given order. Folders above do not
  // count, so that a copy of a model has the same. not_found, io.
  Result<Digest> files(std::span<const std::filesystem::path> files);

  // Whoever hashes gives up (cancelled); so does everyone later. For the end of the process.
  void stop() { stopping_ = true; }

 private:
  struct Known {
    FileStamp stamp;
    LoraHash hash;
  };

  Result<LoraHash> hash_of(const std::filesystem::path& file, bool with_tensors);
  Result<LoraHash> read(const std::filesystem::path& file, int fd, bool with_tensors) const;
  void load();
  void remember(const std::string& file, const Known& known);

  const std::filesystem::path memory_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by absolute path; under mutex_
};

}  // namespace pirouette::engine
