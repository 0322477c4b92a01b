#include "common/wire/keys.h"

#include <sys/stat.h>
#include <zmq.h>

#include <array>
#include <chrono>
#include <map>
#include <sstream>
#include <vector>

#include "common/clock.h"
#include "common/files.h"
#include "common/log.h"

namespace pirouette::wire {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kOwnerOnly = 0600;

Result<std::string> read_text(const fs::path& file) {
  const auto bytes = TRY(read_file(file, kKeyFileMaxBytes));
  return std::string(bytes.begin(), bytes.end());
}

// Lines without comments and white space; empty ones left out.
std::vector<std::string> words_by_line(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    // '#' is also a digit of Z85: a comment starts a line, or follows white space.
    const auto start = line.find_first_not_of(" \t\r");
    if (start == std::string::npos || line[start] == '#') continue;
    const auto comment = std::min(line.find(" #"), line.find("\t#"));
    line = line.substr(start, comment == std::string::npos ? comment : comment - start);
    line.erase(line.find_last_not_of(" \t\r") + 1);
    lines.push_back(line);
  }
  return lines;
}

Result<std::string> read_key(const fs::path& file) {
  const auto lines = words_by_line(TRY(read_text(file)));
  if (lines.size() != 1 || !is_key(lines[0])) {
    return Error{Errc::corrupt, file.string() + " does not hold one key of 40 characters"};
  }
  return lines[0];
}

std::string worker_key_text(const std::string& coordinator_public, const KeyPair& worker) {
  return "# Pirouette: what a worker needs to reach its coordinator. Secret: copy it to the "
         "worker's\n"
         "# machine over a safe way and keep it readable for the worker's user only.\n"
         "coordinator-public " +
         coordinator_public + "\nworker-public " + worker.public_key + "\nworker-secret " +
         worker.secret_key + "\n";
}

// The secret is written last, so that a first start that was cut off is done again in full.
Result<void> make_files(const fs::path& folder) {
  const KeyPair coordinator = make_key_pair();
  const KeyPair worker = make_key_pair();
  const fs::path authorized = folder / "authorized_workers";
  std::string allowed =
      "# Public keys of the workers that may connect, one a line. Read again when it changes.\n";
  if (fs::exists(authorized)) allowed = TRY(read_text(authorized));
  if (!allowed.empty() && allowed.back() != '\n') allowed += '\n';
  allowed += worker.public_key + " # worker.key\n";
  TRY(write_file_durably(authorized, allowed, kOwnerOnly));
  TRY(write_file_durably(folder / "worker.key", worker_key_text(coordinator.public_key, worker),
                         kOwnerOnly));
  TRY(write_file_durably(folder / "coordinator.public", coordinator.public_key + "\n", 0644));
  TRY(write_file_durably(folder / "coordinator.secret", coordinator.secret_key + "\n", kOwnerOnly));
  log::info("keys", "made new keys in " + folder.string() +
                        "; copy worker.key to each machine that shall work");
  return {};
}

}  // namespace

KeyPair make_key_pair() {
  std::array<char, kKeyLength + 1> public_key{}, secret_key{};
  // Fails only where libzmq was built without CURVE.
  PIROUETTE_CHECK(zmq_curve_keypair(public_key.data(), secret_key.data()) == 0);
  return {public_key.data(), secret_key.data()};
}

bool is_key(std::string_view text) {
  if (text.size() != kKeyLength) return false;
  std::array<std::uint8_t, 32> decoded{};
  return zmq_z85_decode(decoded.data(), std::string(text).c_str()) != nullptr;
}

Result<KeyPair> open_coordinator_keys(const fs::path& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) {
    return Error{Errc::io, "cannot make the folder " + folder.string() + ": " + code.message()};
  }
  if (!fs::exists(folder / "coordinator.secret", code)) TRY(make_files(folder));
  KeyPair keys;
  keys.secret_key = TRY(read_key(folder / "coordinator.secret"));
  std::array<char, kKeyLength + 1> derived{};
  if (zmq_curve_public(derived.data(), keys.secret_key.c_str()) != 0) {
    return Error{Errc::corrupt, (folder / "coordinator.secret").string() + " is not a secret key"};
  }
  keys.public_key = derived.data();
  return keys;
}

Result<WorkerKeys> read_worker_keys(const fs::path& file) {
  std::map<std::string, std::string> entries;
  for (const std::string& line : words_by_line(TRY(read_text(file)))) {
    std::istringstream words(line);
    std::string name, key;
    words >> name >> key;
    entries[name] = key;
  }
  for (const char* name : {"coordinator-public", "worker-public", "worker-secret"}) {
    if (!is_key(entries[name])) {
      return Error{Errc::corrupt, file.string() + " has no valid line \"" + name +
                                      "\"; copy worker.key from the coordinator's keys folder"};
    }
  }
  return WorkerKeys{entries["coordinator-public"],
                    {entries["worker-public"], entries["worker-secret"]}};
}

Result<std::unique_ptr<AuthorizedWorkers>> AuthorizedWorkers::open(fs::path file) {
  std::unique_ptr<AuthorizedWorkers> opened(new AuthorizedWorkers(std::move(file)));
  TRY(opened->read());
  const std::lock_guard lock(opened->mutex_);
  opened->look_again();  // remembers how the file looked
  return opened;
}

bool AuthorizedWorkers::allows(std::string_view public_key) {
  const std::lock_guard lock(mutex_);
  const Instant now = monotonic_now();
  if (now - looked_at_ >= kLookAgain) {
    looked_at_ = now;
    look_again();
  }
  return keys_.contains(public_key);
}

void AuthorizedWorkers::look_again() {
  struct stat status {};
  if (::stat(file_.c_str(), &status) != 0) {
    if (size_ != -1) log::warn("keys", "cannot look at " + file_.string() + "; the keys stay");
    size_ = -1;
    return;
  }
  const std::int64_t changed_ns =
      std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  if (changed_ns == changed_ns_ && status.st_size == size_ && status.st_ino == inode_) return;
  changed_ns_ = changed_ns;
  size_ = status.st_size;
  inode_ = status.st_ino;
  if (const auto outcome = read(); !outcome.ok()) {
    log::warn("keys", outcome.error().what + "; the keys stay as they were");
  }
}

Result<void> AuthorizedWorkers::read() {
  std::set<std::string, std::less<>> keys;
  for (const std::string& line : words_by_line(TRY(read_text(file_)))) {
    if (!is_key(line)) {
      log::warn("keys", file_.string() + ": a line is not a key of 40 characters, left out");
      continue;
    }
    keys.insert(line);
  }
  if (keys != keys_) {
    log::info("keys", std::to_string(keys.size()) + " workers' keys are authorized");
  }
  keys_ = std::move(keys);
  return {};
}

}  // namespace pirouette::wire
