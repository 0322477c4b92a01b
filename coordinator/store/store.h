#pragma once
// The farm's memory on disk, and its only writer. One commit is one SQLite transaction: once it
// returns, a power cut loses nothing of it (WAL, synchronous = FULL). Nothing here decides
// anything: rows come from the core as they are to be stored.
//
// Owned by the runtime's loop, whose rounds come one at a time; only stats() may be called from any
// thread. A commit that fails leaves memory ahead of the disk: the runtime must end the process,
// loudly.
//
// Only this connection checkpoints, so that no two ever race at a reset of the WAL (SQLite before
// 3.51.3 can corrupt it then). A lock file beside the database keeps a second coordinator out.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "common/result.h"
#include "coordinator/core/effect.h"
#include "coordinator/core/state.h"

namespace pirouette::store {

struct StoreStats {
  std::uint64_t commits = 0;      // transactions, each one fsync
  std::uint64_t changes = 0;      // rows written, after those that overwrite each other are merged
  std::uint64_t checkpoints = 0;  // each two fsyncs
  std::uint64_t wal_bytes = 0;    // how far the write-ahead log reaches
};

class Store {
 public:
  // Makes the database if there is none, brings an older one up to date. conflict: another process
  // has it open, or a newer program made it. Keeps the file locked until destroyed.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& path);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // What a coordinator starts from: unsettled batches with all that belongs to them, every worker,
  // and numbers that were never used.
  Result<core::State> load();

  // The batch that a Recall is about, with all that belongs to it. not_found: there is none.
  Result<core::State> recall(const core::Recall& wanted);

  // Makes the write-ahead log's file as long as it will be. A commit into a file that still grows
  // waits for the file system's own journal too: twice as long on ext4 (docs/speed.md). Call it
  // before the first commit that somebody waits for; it writes 40 MiB, once a start. The log works
  // without: what goes wrong here is said and does no harm.
  void lay_out_log();

  // All of them or none. Of several writes to one row the last counts; a row stands where it first
  // appeared, so a batch may be followed by its sheets and then by itself again.
  Result<void> commit(std::span<const core::Write> writes);

  // For when nothing waits: copies the log into the database if it has grown by 4 MiB, a matter of
  // few milliseconds, so that no commit of a farm that is seldom busy has to (commits do it every
  // 32 MiB).
  void rest();

  StoreStats stats() const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::store
