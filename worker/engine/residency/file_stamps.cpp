#include "worker/engine/residency/file_stamps.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace pirouette::engine {
namespace {

namespace fs = std::filesystem;

// Weights, settings, and tokenizers' vocabularies.
constexpr std::array<std::string_view, 5> kModelEndings = {".safetensors", ".gguf", ".json",
                                                           ".model", ".txt"};

}  // namespace

Result<FileStamp> stamp_file(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) {
    const bool is_gone = errno == ENOENT || errno == ENOTDIR;
    return Error{
        is_gone ? Errc::not_found : Errc::io,
        file.string() + (is_gone ? " is not there" : std::string(": ") + std::strerror(errno))};
  }
  constexpr std::int64_t kNsInSecond = 1'000'000'000;
  return FileStamp{status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
                   status.st_mtim.tv_sec * kNsInSecond + status.st_mtim.tv_nsec};
}

Result<std::vector<fs::path>> model_files(const fs::path& path) {
  std::error_code failed;
  if (!fs::is_directory(path, failed)) return std::vector<fs::path>{path};
  std::vector<fs::path> files;
  fs::recursive_directory_iterator it(path, failed), end;
  for (; !failed && it != end; it.increment(failed)) {
    const std::string ending = it->path().extension().string();
    std::error_code ignored;
    if (std::ranges::find(kModelEndings, ending) != kModelEndings.end() &&
        fs::is_regular_file(it->path(), ignored))
      files.push_back(it->path());
  }
  if (failed) return Error{Errc::io, path.string() + ": " + failed.message()};
  std::ranges::sort(files);
  return files;
}

Result<FileStamps> FileStamps::take(const std::vector<fs::path>& files) {
  FileStamps all;
  for (const fs::path& file : files) all.stamps_.emplace(file, TRY(stamp_file(file)));
  return all;
}

FileStamps::Difference FileStamps::compare() const {
  Difference first;
  for (const auto& [file, before] : stamps_) {
    const auto now = stamp_file(file);
    if (!now.ok()) return {State::gone, file};
    if (now.value() != before && first.state == State::same) first = {State::changed, file};
  }
  return first;
}

}  // namespace pirouette::engine
