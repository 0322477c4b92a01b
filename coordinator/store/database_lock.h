#pragma once
// One coordinator a database: an flock on a file beside it, which the kernel takes back when the
// process ends, however it ends. The file names the process that holds it and stays when it goes;
// only the lock counts.

#include <filesystem>

#include "common/result.h"

namespace pirouette::store {

class DatabaseLock {
 public:
  // conflict: another process holds it; the message names that process.
  static Result<DatabaseLock> take(const std::filesystem::path& database);
  ~DatabaseLock();
  DatabaseLock(DatabaseLock&& other) noexcept;
  DatabaseLock& operator=(DatabaseLock&&) = delete;

 private:
  explicit DatabaseLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace pirouette::store
