#include "tests/sim/disk.h"

#include <algorithm>
#include <utility>

namespace pirouette::sim {
namespace {

constexpr std::size_t kSectorBytes = 512;

void put(std::vector<std::uint8_t>& bytes, std::uint64_t offset, const std::uint8_t* from,
         std::size_t count) {
  if (bytes.size() < offset + count) bytes.resize(offset + count);
  std::copy_n(from, count, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
}

void undo(Disk::File& file, const Disk::Change& change) {
  file.bytes.resize(change.length_before);
  put(file.bytes, change.offset, change.before.data(), change.before.size());
}

// The sectors of it that reached the disk.
void redo(Disk::File& file, const Disk::Change& change, Rng& rng, bool whole) {
  if (change.cuts) {
    file.bytes.resize(change.offset);
    return;
  }
  for (std::size_t at = 0; at < change.after.size();) {
    const std::size_t room = kSectorBytes - (change.offset + at) % kSectorBytes;
    const std::size_t count = std::min(room, change.after.size() - at);
    if (whole || rng.below(2) == 0) {
      put(file.bytes, change.offset + at, change.after.data() + at, count);
    }
    at += count;
  }
}

// What was there before all that was not synced, and then some of that.
void settle(Disk::File& file, Rng& rng) {
  std::vector<Disk::Change> changes = std::move(file.unsynced);
  file.unsynced.clear();
  for (auto change = changes.rbegin(); change != changes.rend(); ++change) undo(file, *change);
  // Nothing, all of it, the first few of it, or any of it.
  const std::uint64_t manner = rng.below(4);
  const std::size_t most = manner == 2 ? rng.below(changes.size() + 1) : changes.size();
  for (std::size_t i = 0; i < changes.size() && manner != 0; ++i) {
    if (manner == 3) {
      if (rng.below(3) != 0) redo(file, changes[i], rng, rng.below(2) == 0);
    } else if (i <= most) {
      redo(file, changes[i], rng, i < most);
    }
  }
}

}  // namespace

Disk::File* Disk::find(const std::string& name) {
  const auto found = files_.find(name);
  return found == files_.end() ? nullptr : found->second.get();
}

Disk::File& Disk::create(const std::string& name) {
  auto& file = files_[name];
  if (!file) file = std::make_unique<File>();
  return *file;
}

void Disk::remove(const std::string& name) {
  const auto found = files_.find(name);
  if (found == files_.end()) return;
  unlinked_.push_back(std::move(found->second));
  files_.erase(found);
}

Disk::Outcome Disk::operate() {
  if (dead_) return Outcome::io;
  if (fuse_ == 0 || --fuse_ > 0) return Outcome::ok;
  dead_ = fault_ == DiskFault::power || fault_ == DiskFault::kill;
  return fault_ == DiskFault::memory ? Outcome::memory : Outcome::io;
}

Disk::Outcome Disk::write(File& file, std::uint64_t offset, const std::uint8_t* bytes,
                          std::size_t count) {
  if (const Outcome outcome = operate(); outcome != Outcome::ok) return outcome;
  const std::uint64_t length = file.bytes.size();
  if (full_ && offset + count > length) return Outcome::full;
  Change change{offset, {}, {bytes, bytes + count}, length, false};
  if (offset < length) {
    const auto first = file.bytes.begin() + static_cast<std::ptrdiff_t>(offset);
    change.before.assign(first, first + static_cast<std::ptrdiff_t>(
                                            std::min<std::uint64_t>(count, length - offset)));
  }
  put(file.bytes, offset, bytes, count);
  file.unsynced.push_back(std::move(change));
  return Outcome::ok;
}

Disk::Outcome Disk::truncate(File& file, std::uint64_t length) {
  if (const Outcome outcome = operate(); outcome != Outcome::ok) return outcome;
  if (length >= file.bytes.size()) return Outcome::ok;
  Change change{length, {}, {}, file.bytes.size(), true};
  change.before.assign(file.bytes.begin() + static_cast<std::ptrdiff_t>(length), file.bytes.end());
  file.bytes.resize(length);
  file.unsynced.push_back(std::move(change));
  return Outcome::ok;
}

Disk::Outcome Disk::sync(File& file) {
  if (std::exchange(fails_at_sync_, false)) fuse_ = 1;
  if (const Outcome outcome = operate(); outcome != Outcome::ok) return outcome;
  file.unsynced.clear();
  file.named = true;
  return Outcome::ok;
}

void Disk::fail_at(std::uint64_t changes, DiskFault how) {
  fuse_ = changes;
  fails_at_sync_ = false;
  fault_ = how;
}

void Disk::fail_at_sync(DiskFault how) {
  fail_at(0, how);
  fails_at_sync_ = true;
}

void Disk::restart_process() {
  dead_ = false;
  fail_at(0, DiskFault::power);
  unlinked_.clear();
  for (auto& [name, file] : files_) file->regions.clear();
}

void Disk::cut_power(Rng& rng) {
  restart_process();
  for (auto entry = files_.begin(); entry != files_.end();) {
    settle(*entry->second, rng);
    const bool lost = !entry->second->named && rng.below(2) == 0;
    entry->second->named = true;  // it was found there
    entry = lost ? files_.erase(entry) : std::next(entry);
  }
}

void Disk::copy_from(const Disk& other) {
  files_.clear();
  for (const auto& [name, file] : other.files_) {
    File& copy = create(name);
    copy.bytes = file->bytes;
    copy.named = true;
  }
}

}  // namespace pirouette::sim
