#include "coordinator/store/log_vfs.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace pirouette::store {
namespace {

// SQLite's files take no write of 128 KiB or more.
constexpr std::size_t kGatheredMaxBytes = 120 << 10;

// What SQLite sees as the log; the real one lies behind it in the memory that SQLite gave.
struct Log {
  sqlite3_file base;
  std::size_t gathered_max;
  std::vector<char>* gathered;  // not written yet
  sqlite3_int64 offset;         // where it belongs
};

static_assert(sizeof(Log) % 8 == 0 && alignof(Log) <= 8, "SQLite aligns files to 8 bytes");

Log& log_of(sqlite3_file* base) { return *reinterpret_cast<Log*>(base); }
sqlite3_file* real(sqlite3_file* base) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(base) + sizeof(Log));
}
const sqlite3_io_methods& methods(sqlite3_file* base) { return *real(base)->pMethods; }

// What cannot be written is dropped: SQLite gives up the commit that it belongs to.
int write_gathered(sqlite3_file* base) {
  std::vector<char>& gathered = *log_of(base).gathered;
  if (gathered.empty()) return SQLITE_OK;
  const int code = methods(base).xWrite(real(base), gathered.data(),
                                        static_cast<int>(gathered.size()), log_of(base).offset);
  gathered.clear();
  return code;
}

int write_log(sqlite3_file* base, const void* from, int count, sqlite3_int64 offset) {
  Log& log = log_of(base);
  const auto size = static_cast<std::size_t>(count);
  const auto end = log.offset + static_cast<sqlite3_int64>(log.gathered->size());
  if (offset != end || log.gathered->size() + size > log.gathered_max) {
    const int code = write_gathered(base);
    if (code != SQLITE_OK) return code;
    log.offset = offset;
  }
  if (size > log.gathered_max) return methods(base).xWrite(real(base), from, count, offset);
  const char* const bytes = static_cast<const char*>(from);
  log.gathered->insert(log.gathered->end(), bytes, bytes + size);
  return SQLITE_OK;
}

// Everything else sees the file as it should be.
template <auto kMethod, typename... Arguments>
int after_writing(sqlite3_file* base, Arguments... arguments) {
  const int code = write_gathered(base);
  return code == SQLITE_OK ? (methods(base).*kMethod)(real(base), arguments...) : code;
}

int close_log(sqlite3_file* base) {
  const int written = write_gathered(base);
  const int closed = methods(base).xClose(real(base));
  delete log_of(base).gathered;
  return written == SQLITE_OK ? closed : written;
}

int sector_size(sqlite3_file* base) { return methods(base).xSectorSize(real(base)); }
int characteristics(sqlite3_file* base) { return methods(base).xDeviceCharacteristics(real(base)); }

using Io = sqlite3_io_methods;
const sqlite3_io_methods kLogMethods = {
    .iVersion = 1,  // no mapping of a log
    .xClose = close_log,
    .xRead = after_writing<&Io::xRead, void*, int, sqlite3_int64>,
    .xWrite = write_log,
    .xTruncate = after_writing<&Io::xTruncate, sqlite3_int64>,
    .xSync = after_writing<&Io::xSync, int>,
    .xFileSize = after_writing<&Io::xFileSize, sqlite3_int64*>,
    .xLock = after_writing<&Io::xLock, int>,
    .xUnlock = after_writing<&Io::xUnlock, int>,
    .xCheckReservedLock = after_writing<&Io::xCheckReservedLock, int*>,
    .xFileControl = after_writing<&Io::xFileControl, int, void*>,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
    .xShmMap = nullptr,
    .xShmLock = nullptr,
    .xShmBarrier = nullptr,
    .xShmUnmap = nullptr,
    .xFetch = nullptr,
    .xUnfetch = nullptr};

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* base, int flags, int* flags_out) {
  auto* const below = static_cast<sqlite3_vfs*>(vfs->pAppData);
  if ((flags & SQLITE_OPEN_WAL) == 0) return below->xOpen(below, path, base, flags, flags_out);
  base->pMethods = nullptr;
  real(base)->pMethods = nullptr;
  const int code = below->xOpen(below, path, real(base), flags, flags_out);
  if (code != SQLITE_OK) {
    if (real(base)->pMethods) real(base)->pMethods->xClose(real(base));
    return code;
  }
  Log& log = log_of(base);
  // Where a write may spoil what is beside it, SQLite writes behind its last sync too.
  const bool is_sound = (characteristics(base) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
  log.gathered_max = is_sound ? kGatheredMaxBytes : 0;
  log.gathered = new std::vector<char>;
  log.gathered->reserve(log.gathered_max);
  log.offset = 0;
  base->pMethods = &kLogMethods;
  return SQLITE_OK;
}

struct LogVfs {
  std::string name;
  sqlite3_vfs vfs;
};

}  // namespace

const char* log_vfs_name() {
  static std::mutex mutex;
  static std::map<sqlite3_vfs*, LogVfs> made;  // by the one below; SQLite keeps pointers into it
  const std::lock_guard lock(mutex);
  sqlite3_vfs* const below = sqlite3_vfs_find(nullptr);
  const auto [place, is_new] = made.try_emplace(below);
  LogVfs& log = place->second;
  if (is_new) {
    log.name = "pirouette-log-" + std::string(below->zName);
    log.vfs = *below;
    log.vfs.szOsFile = static_cast<int>(sizeof(Log)) + below->szOsFile;
    log.vfs.zName = log.name.c_str();
    log.vfs.pNext = nullptr;
    log.vfs.pAppData = below;
    log.vfs.xOpen = open_file;
    const int code = sqlite3_vfs_register(&log.vfs, 0);
    if (code != SQLITE_OK) {
      made.erase(place);
      throw SQLite::Exception("SQLite takes no file system of ours", code);
    }
  }
  return log.vfs.zName;
}

}  // namespace pirouette::store
