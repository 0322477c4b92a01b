#pragma once
// Has a file changed since it was read? Told by what the file system says of it (device, inode,
// size, time of change), so that it costs one stat() a file and can be asked before every job. A
// file that was replaced by a rename has another inode; one that was written in place another time.

#include <compare>
#include <cstdint>
#include <filesystem>
#include <map>
#include <vector>

#include "common/result.h"

namespace pirouette::engine {

struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t bytes = 0;
  std::int64_t changed_ns = 0;  // since 1970, of the contents
  auto operator<=>(const FileStamp&) const = default;
};

// Symbolic links are followed. not_found or io names the file.
Result<FileStamp> stamp_file(const std::filesystem::path& file);

// What a model or a LoRA is read from: a file, or the files of a folder and below it whose names
// end as a model's do.
Result<std::vector<std::filesystem::path>> model_files(const std::filesystem::path& path);

class FileStamps {
 public:
  // Of all these files, as they are now. not_found or io names the file.
  static Result<FileStamps> take(const std::vector<std::filesystem::path>& files);

  enum class State { same, changed, gone };
  struct Difference {
    State state = State::same;
    std::filesystem::path file;  // the first that is not the same; one that is gone comes first
  };
  Difference compare() const;

 private:
  std::map<std::filesystem::path, FileStamp> stamps_;
};

}  // namespace pirouette::engine
