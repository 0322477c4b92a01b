#include "common/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "common/open_file.h"

namespace pirouette {
Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path, std::size_t limit) {
  const OpenFile file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd < 0) return io_error("cannot open", path);
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) return io_error("cannot read", path);
  if (!S_ISREG(status.st_mode)) return Error{Errc::invalid, path.string() + " is not a file"};
  if (static_cast<std::size_t>(status.st_size) > limit) {
    return Error{Errc::invalid, path.string() + " has " + std::to_string(status.st_size) +
                                    " bytes, the limit is " + std::to_string(limit)};
  }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(status.st_size));
  std::size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t n = ::read(file.fd, bytes.data() + have, bytes.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("cannot read", path);
    if (n == 0) break;  // somebody shortened it
    have += static_cast<std::size_t>(n);
  }
  bytes.resize(have);
  return bytes;
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const OpenFile file{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (file.fd < 0) return io_error("cannot open folder", folder);
  if (::fsync(file.fd) != 0) return io_error("cannot sync folder", folder);
  return {};
}

Result<void> write_file_durably(const std::filesystem::path& path,
                                std::span<const std::uint8_t> bytes, unsigned mode) {
  static std::atomic<unsigned> counter{0};
  const std::filesystem::path temporary =
      path.string() + ".tmp" + std::to_string(::getpid()) + "." + std::to_string(counter++);
  {
    const OpenFile file{
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t(mode))};
    if (file.fd < 0) return io_error("cannot create", temporary);
    Result<void> written = write_all(file.fd, bytes, temporary);
    if (written.ok() && ::fsync(file.fd) != 0) written = io_error("cannot sync", temporary);
    if (!written.ok()) {
      ::unlink(temporary.c_str());
      return written;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = io_error("cannot rename to", path);
    ::unlink(temporary.c_str());
    return error;
  }
  const auto folder = path.parent_path();
  return sync_folder(folder.empty() ? std::filesystem::path(".") : folder);
}

Result<void> write_file_durably(const std::filesystem::path& path, std::string_view text,
                                unsigned mode) {
  return write_file_durably(
      path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()), mode);
}

}  // namespace pirouette
