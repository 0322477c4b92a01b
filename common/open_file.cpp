#include "common/open_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace pirouette {

Error io_error(const std::string& doing, const std::filesystem::path& path) {
  const int code = errno;
  return {code == ENOENT ? Errc::not_found : Errc::io,
          doing + " " + path.string() + ": " + std::strerror(code)};
}

OpenFile::~OpenFile() {
  if (fd >= 0) ::close(fd);
}

Result<void> write_all(int fd, std::span<const std::uint8_t> bytes,
                       const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("cannot write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace pirouette
