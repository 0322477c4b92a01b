#include "coordinator/store/database_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace pirouette::store {
namespace {

std::string read_holder(int fd) {
  char text[32];
  const ssize_t n = ::pread(fd, text, sizeof text, 0);
  const std::string_view read(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  const std::string_view pid = read.substr(0, read.find_first_not_of("0123456789"));
  return pid.empty() ? "another process" : "process " + std::string(pid);
}

}  // namespace

Result<DatabaseLock> DatabaseLock::take(const std::filesystem::path& database) {
  const std::string path = database.string() + ".lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return Error{Errc::io, "cannot open " + path + ": " + std::strerror(errno) +
                               "; check that the folder exists and that this user may write to it"};
  }
  DatabaseLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) {
      return Error{Errc::io, "cannot lock " + path + ": " + std::strerror(errno)};
    }
    return Error{Errc::conflict, "the database " + database.string() + " is in use by " +
                                     read_holder(fd) +
                                     "; stop that coordinator or give this one another database"};
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 ||
      ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return Error{Errc::io, "cannot write " + path + ": " + std::strerror(errno)};
  }
  return lock;
}

DatabaseLock::~DatabaseLock() {
  if (fd_ >= 0) ::close(fd_);
}

DatabaseLock::DatabaseLock(DatabaseLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

}  // namespace pirouette::store
