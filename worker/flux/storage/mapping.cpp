#include "worker/flux/storage/mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace pirouette::flux {

Result<std::shared_ptr<const Mapping>> Mapping::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return Error{errno == ENOENT ? Errc::not_found : Errc::io, std::strerror(errno)}.with(path);
  struct stat status {};
  const bool stated = ::fstat(fd, &status) == 0;
  const auto size = static_cast<std::size_t>(stated ? status.st_size : 0);
  void* bytes =
      size > 0 ? ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) : MAP_FAILED;
  const int why = errno;
  ::close(fd);
  if (stated && size == 0) return Error{Errc::corrupt, path.string() + ": the file is empty"};
  if (bytes == MAP_FAILED)
    return Error{Errc::io, std::string("cannot map it: ") + std::strerror(why)}.with(path);
  return std::shared_ptr<const Mapping>(new Mapping(static_cast<std::uint8_t*>(bytes), size));
}

Mapping::~Mapping() { ::munmap(bytes_, size_); }

}  // namespace pirouette::flux
