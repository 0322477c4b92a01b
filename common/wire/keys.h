#pragma once
// CURVE keys, made at first start, as text files that only their owner reads (0600):
//   KEYS/coordinator.secret   the coordinator's secret key
//   KEYS/coordinator.public   its public key
//   KEYS/worker.key           what a worker machine needs: copy this file there
//   KEYS/authorized_workers   public keys of the workers that may connect, one a line; '#' starts a
//                             comment. Read again whenever it changes.
// Keys are in Z85: 40 characters for 32 bytes. Several machines may share one worker.key.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "common/result.h"
#include "common/time.h"

namespace pirouette::wire {

inline constexpr std::size_t kKeyLength = 40;             // Z85 characters
inline constexpr std::size_t kKeyFileMaxBytes = 1 << 20;  // 20,000 keys with comments

struct KeyPair {
  std::string public_key, secret_key;
};

struct WorkerKeys {
  std::string coordinator_public;
  KeyPair own;
};

KeyPair make_key_pair();
bool is_key(std::string_view text);

// Makes the four files if coordinator.secret is not there. An authorized_workers that is there
// keeps its lines.
Result<KeyPair> open_coordinator_keys(const std::filesystem::path& folder);

Result<WorkerKeys> read_worker_keys(const std::filesystem::path& file);

// Who may connect. Safe for several threads.
class AuthorizedWorkers {
 public:
  // Fails when the file cannot be read now. Later, a file that cannot be read leaves the keys as
  // they were, and says so in the log.
  static Result<std::unique_ptr<AuthorizedWorkers>> open(std::filesystem::path file);

  // Looks at the file again, at most once in kLookAgain.
  bool allows(std::string_view public_key);

  static constexpr Duration kLookAgain = milliseconds(200);

 private:
  explicit AuthorizedWorkers(std::filesystem::path file) : file_(std::move(file)) {}
  void look_again();  // with mutex_ held
  Result<void> read();

  std::filesystem::path file_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> keys_;
  Instant looked_at_{};
  std::int64_t changed_ns_ = 0;  // the file's time of change, with its size and inode:
  std::int64_t size_ = -1;       // editors replace files within one tick of its clock
  std::uint64_t inode_ = 0;
};

}  // namespace pirouette::wire
