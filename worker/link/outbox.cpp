#include "worker/link/outbox.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/files.h"
#include "common/log.h"
#include "common/wire/frames.h"

namespace pirouette::link {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kSumDigits = 8;
// The journal's file is made longer by as much at a time, with zeros: some 600 records.
constexpr std::size_t kLaidOutBytes = 256 << 10;

std::string sum(std::string_view text) { return to_hex(sha256(text)).substr(0, kSumDigits); }

// Records are put into words by hand: through nlohmann's tree it took a tenth of the loop's time.
std::string line_of(const std::string& record) { return sum(record) + " " + record + "\n"; }

// As a JSON string. Bytes that are no UTF-8 are replaced: a record must always be writable.
std::string to_json_string(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string quoted;
  quoted.reserve(text.size() + text.size() / 4 + 2);
  quoted += '"';
  for (const char c : wire::to_utf8(text)) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x20) {
      quoted += {'\\', 'u', '0', '0', kDigits[code >> 4], kDigits[code & 15]};
      continue;
    }
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

std::string kept_line(const agent::Finished& result) {
  return line_of("{\"kept\":" + std::to_string(result.lease.value) +
                 ",\"job\":" + std::to_string(result.job.value) + ",\"result\":\"" +
                 to_hex(result.digest) + "\",\"metrics\":" + to_json_string(result.metrics) + "}");
}

std::string forgotten_line(LeaseId lease) {
  return line_of("{\"forgotten\":" + std::to_string(lease.value) + "}");
}

// None: not a record of ours.
std::optional<json> read_line(std::string_view line) {
  if (line.size() <= kSumDigits + 1 || line[kSumDigits] != ' ') return std::nullopt;
  const std::string_view text = line.substr(kSumDigits + 1);
  if (sum(text) != line.substr(0, kSumDigits)) return std::nullopt;
  json record = json::parse(text, nullptr, false);
  if (!record.is_object()) return std::nullopt;
  return record;
}

std::optional<agent::Finished> read_kept(const json& record) {
  try {
    const auto digest = parse_digest(record.at("result").get<std::string>());
    if (!digest.ok()) return std::nullopt;
    return agent::Finished{{record.at("kept").get<std::uint64_t>()},
                           {record.at("job").get<std::uint64_t>()},
                           digest.value(),
                           record.at("metrics").get<std::string>()};
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

// How many bytes were written from offset on: all of them, or errno says why not.
std::size_t write_text(int fd, std::string_view text, std::size_t offset) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = ::pwrite(fd, text.data() + written, text.size() - written,
                               static_cast<off_t>(offset + written));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    written += static_cast<std::size_t>(n);
  }
  return written;
}

Error io_error(const std::string& doing, const fs::path& path) {
  return {Errc::io, doing + " " + path.string() + ": " + std::strerror(errno)};
}

}  // namespace

Outbox::Outbox(fs::path folder, Blobs pictures)
    : folder_(std::move(folder)), journal_(folder_ / "journal"), pictures_(std::move(pictures)) {}

Outbox::Outbox(Outbox&& other) noexcept
    : folder_(std::move(other.folder_)),
      journal_(std::move(other.journal_)),
      pictures_(std::move(other.pictures_)),
      fd_(std::exchange(other.fd_, -1)),
      journal_bytes_(other.journal_bytes_),
      laid_out_bytes_(other.laid_out_bytes_),
      name_synced_(other.name_synced_),
      line_torn_(other.line_torn_),
      buffer_(std::move(other.buffer_)),
      results_(std::move(other.results_)),
      unsynced_(std::move(other.unsynced_)) {}

Outbox::~Outbox() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Outbox> Outbox::open(fs::path folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) {
    return Error{Errc::io, "cannot make the folder " + folder.string() + ": " + code.message()};
  }
  Blobs pictures = TRY(Blobs::open(folder / "pictures"));
  Outbox outbox(std::move(folder), std::move(pictures));
  const std::size_t damaged = TRY(outbox.read_journal());
  outbox.clear_strays(damaged > 0);
  TRY(outbox.write_anew());
  return outbox;
}

// How many of its records are damaged.
Result<std::size_t> Outbox::read_journal() {
  if (!fs::exists(journal_)) return std::size_t{0};
  const auto bytes = TRY(read_file(journal_, kJournalReadMaxBytes));
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  rest = rest.substr(0, rest.find_last_not_of('\0') + 1);  // laid out, not written yet
  std::size_t damaged = 0;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    const auto record = read_line(line);
    if (record && record->contains("kept")) {
      if (auto result = read_kept(*record)) {
        results_[result->lease] = std::move(*result);
        continue;
      }
    } else if (record && record->contains("forgotten") &&
               (*record)["forgotten"].is_number_unsigned()) {
      results_.erase(LeaseId{(*record)["forgotten"].get<std::uint64_t>()});
      continue;
    }
    ++damaged;
  }
  if (damaged > 0) {
    log::warn("outbox", std::to_string(damaged) + " damaged records in " + journal_.string() +
                            " are left out; the last one after a power cut is no surprise");
  }
  return damaged;
}

// Pictures that no record names: written just before a crash, or of results since forgotten. A
// damaged record may have been the one that named it, so then they are put aside.
void Outbox::clear_strays(bool put_aside) {
  std::error_code ignored;
  const fs::path strays = folder_ / "strays";
  std::size_t room = 0, moved = 0;
  if (put_aside && (fs::create_directory(strays, ignored), !ignored)) {
    const auto there = std::distance(fs::directory_iterator(strays, ignored), {});
    room = kStraysMax - std::min(kStraysMax, static_cast<std::size_t>(there));
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder_ / "pictures", ignored)) {
    const auto digest = parse_digest(entry.path().filename().string());
    if (!digest.ok() || entry.path() != pictures_.path(digest.value())) continue;
    if (moved < room && !in_use(digest.value())) {
      fs::rename(entry.path(), strays / entry.path().filename(), ignored);
      if (!ignored) ++moved;
      continue;
    }
    release_picture(digest.value());
  }
  if (moved > 0) {
    log::warn("outbox", std::to_string(moved) + " pictures that no record names are put aside in " +
                            strays.string() + "; delete them when nobody misses them");
  }
}

std::vector<agent::Finished> Outbox::results() const {
  std::vector<agent::Finished> results;
  for (const auto& [lease, result] : results_) results.push_back(result);
  return results;
}

Result<void> Outbox::keep(const agent::Finished& result, const std::vector<std::uint8_t>* picture) {
  if (picture) TRY(pictures_.put(*picture));
  buffer_ += kept_line(result);
  unsynced_.push_back(result);
  return {};
}

void Outbox::forget(LeaseId lease) {
  const auto found = results_.find(lease);
  if (found == results_.end()) return;
  const Digest digest = found->second.digest;
  results_.erase(found);
  buffer_ += forgotten_line(lease);
  release_picture(digest);
}

bool Outbox::in_use(const Digest& digest) const {
  return std::any_of(results_.begin(), results_.end(),
                     [&](const auto& entry) { return entry.second.digest == digest; }) ||
         std::any_of(unsynced_.begin(), unsynced_.end(),
                     [&](const agent::Finished& result) { return result.digest == digest; });
}

void Outbox::release_picture(const Digest& digest) {
  std::error_code ignored;  // a picture that stays is removed at the next start
  if (!in_use(digest)) fs::remove(pictures_.path(digest), ignored);
}

Result<void> Outbox::sync() {
  std::vector<agent::Finished> kept = std::exchange(unsynced_, {});
  std::string bytes = (line_torn_ ? "\n" : "") + std::exchange(buffer_, {});
  const std::size_t end = journal_bytes_ + bytes.size();
  const bool grows = end > laid_out_bytes_;
  if (grows) bytes.resize(bytes.size() + kLaidOutBytes, '\0');
  if (!name_synced_) TRY(sync_name());
  const std::size_t written = write_text(fd_, bytes, journal_bytes_);
  if (written < bytes.size() || (!kept.empty() && ::fdatasync(fd_) != 0)) {
    const Error error = io_error("cannot write", journal_);
    // Half a line would spoil the next one. When it cannot be cut off, the next one starts anew.
    if (::ftruncate(fd_, static_cast<off_t>(journal_bytes_)) != 0) {
      journal_bytes_ += written;
      line_torn_ = true;
    }
    laid_out_bytes_ = journal_bytes_;
    return error;
  }
  line_torn_ = false;
  journal_bytes_ = end;
  if (grows) laid_out_bytes_ = end + kLaidOutBytes;
  for (agent::Finished& result : kept) results_[result.lease] = std::move(result);
  const bool outgrown = journal_bytes_ > kJournalMaxBytes;
  // Failing to shrink it is no loss: the long journal is as true as a short one.
  if (outgrown) {
    if (const auto anew = write_anew(); !anew.ok()) log::warn("outbox", anew.error().what);
  }
  return {};
}

// The new file is open before it gets the name, so that records never go to one without a name.
Result<void> Outbox::write_anew() {
  std::string text;
  for (const auto& [lease, result] : results_) text += kept_line(result);
  const fs::path fresh = folder_ / "journal.new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t{0600});
  if (fd < 0) return io_error("cannot create", fresh);
  if (write_text(fd, text, 0) < text.size() || ::fsync(fd) != 0 ||
      ::rename(fresh.c_str(), journal_.c_str()) != 0) {
    const Error error = io_error("cannot write anew", journal_);
    ::close(fd);
    ::unlink(fresh.c_str());
    return error;
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  journal_bytes_ = laid_out_bytes_ = text.size();
  line_torn_ = name_synced_ = false;
  return sync_name();
}

Result<void> Outbox::sync_name() {
  TRY(sync_folder(folder_));
  name_synced_ = true;
  return {};
}

}  // namespace pirouette::link
