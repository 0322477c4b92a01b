#include "tests/sim/disk_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "common/result.h"

namespace pirouette::sim {
namespace {

Disk* mounted = nullptr;

struct OpenFile {
  sqlite3_file base;
  Disk::File* file;
};

Disk::File& file_of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file)->file; }

std::string name_of(const char* path) {
  const std::string text = path;
  return text.substr(text.rfind('/') + 1);
}

int code_of(Disk::Outcome outcome, int io_error) {
  switch (outcome) {
    case Disk::Outcome::ok:
      return SQLITE_OK;
    case Disk::Outcome::full:
      return SQLITE_FULL;
    case Disk::Outcome::memory:
      return SQLITE_IOERR_NOMEM;
    case Disk::Outcome::io:
      break;
  }
  return io_error;
}

int close_file(sqlite3_file*) { return SQLITE_OK; }

int read_file(sqlite3_file* base, void* to, int count, sqlite3_int64 offset) {
  if (mounted->is_dead()) return SQLITE_IOERR_READ;
  const auto& bytes = file_of(base).bytes;
  const auto length = static_cast<sqlite3_int64>(bytes.size());
  const sqlite3_int64 there = std::clamp<sqlite3_int64>(length - offset, 0, count);
  if (there > 0) std::memcpy(to, bytes.data() + offset, static_cast<std::size_t>(there));
  if (there == count) return SQLITE_OK;
  std::memset(static_cast<char*>(to) + there, 0, static_cast<std::size_t>(count - there));
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* base, const void* from, int count, sqlite3_int64 offset) {
  return code_of(
      mounted->write(file_of(base), static_cast<std::uint64_t>(offset),
                     static_cast<const std::uint8_t*>(from), static_cast<std::size_t>(count)),
      SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* base, sqlite3_int64 length) {
  return code_of(mounted->truncate(file_of(base), static_cast<std::uint64_t>(length)),
                 SQLITE_IOERR_TRUNCATE);
}

int sync_file(sqlite3_file* base, int) {
  return code_of(mounted->sync(file_of(base)), SQLITE_IOERR_FSYNC);
}

int size_file(sqlite3_file* base, sqlite3_int64* length) {
  *length = static_cast<sqlite3_int64>(file_of(base).bytes.size());
  return SQLITE_OK;
}

int lock_file(sqlite3_file*, int) { return SQLITE_OK; }
int check_lock(sqlite3_file*, int* locked) {
  *locked = 0;
  return SQLITE_OK;
}
int control_file(sqlite3_file*, int asked, void* answer) {
  if (asked != SQLITE_FCNTL_MMAP_SIZE) return SQLITE_NOTFOUND;
  *static_cast<sqlite3_int64*>(answer) = 0;
  return SQLITE_OK;
}
int sector_size(sqlite3_file*) { return 4096; }
// As on Linux: a write spoils nothing beside it, even when the power goes.
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int map_region(sqlite3_file* base, int index, int bytes, int extend, void volatile** to) {
  auto& regions = file_of(base).regions;
  const auto at = static_cast<std::size_t>(index);
  *to = nullptr;
  if (at >= regions.size() && !extend) return SQLITE_OK;
  while (regions.size() <= at) {
    regions.push_back(std::make_unique<char[]>(static_cast<std::size_t>(bytes)));
  }
  *to = regions[at].get();
  return SQLITE_OK;
}
int lock_region(sqlite3_file*, int, int, int) { return SQLITE_OK; }
void order_memory(sqlite3_file*) {}
int unmap_regions(sqlite3_file* base, int) {
  file_of(base).regions.clear();
  return SQLITE_OK;
}

const sqlite3_io_methods kMethods = {2,
                                     close_file,
                                     read_file,
                                     write_file,
                                     truncate_file,
                                     sync_file,
                                     size_file,
                                     lock_file,
                                     lock_file,
                                     check_lock,
                                     control_file,
                                     sector_size,
                                     characteristics,
                                     map_region,
                                     lock_region,
                                     order_memory,
                                     unmap_regions,
                                     nullptr,
                                     nullptr};

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* base, int flags, int* flags_out) {
  base->pMethods = nullptr;
  if (mounted == nullptr || mounted->is_dead() || path == nullptr) return SQLITE_CANTOPEN;
  Disk::File* file = mounted->find(name_of(path));
  if (!file && (flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
  if (!file) file = &mounted->create(name_of(path));
  reinterpret_cast<OpenFile*>(base)->file = file;
  base->pMethods = &kMethods;
  if (flags_out) *flags_out = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* path, int) {
  if (mounted->is_dead()) return SQLITE_IOERR_DELETE;
  if (!mounted->find(name_of(path))) return SQLITE_IOERR_DELETE_NOENT;
  mounted->remove(name_of(path));
  return SQLITE_OK;
}

int look_for_file(sqlite3_vfs*, const char* path, int, int* found) {
  *found = mounted->find(name_of(path)) != nullptr;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int room, char* to) {
  sqlite3_snprintf(room, to, "%s", path);
  return SQLITE_OK;
}

// The rest is the system's own.
sqlite3_vfs make_vfs() {
  sqlite3_vfs vfs = *sqlite3_vfs_find("unix");
  vfs.szOsFile = sizeof(OpenFile);
  vfs.zName = "pirouette-sim";
  vfs.pNext = nullptr;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = look_for_file;
  vfs.xFullPathname = full_path;
  return vfs;
}

}  // namespace

MountedDisk::MountedDisk(Disk& disk) {
  static sqlite3_vfs vfs = make_vfs();
  PIROUETTE_CHECK(mounted == nullptr);
  mounted = &disk;
  sqlite3_vfs_register(&vfs, 1);
}

MountedDisk::~MountedDisk() {
  mounted = nullptr;
  sqlite3_vfs_register(sqlite3_vfs_find("unix"), 1);
}

}  // namespace pirouette::sim
