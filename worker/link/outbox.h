#pragma once
// Finished renderings on the worker's disk, from before they are reported until the coordinator has
// them for good (DESIGN, law 3).
//
// FOLDER/journal is append-only: one line a record, "<8 hex digits of its SHA-256> <JSON>\n",
// either
// {"kept": lease, "job", "result", "metrics"} or {"forgotten": lease}. Many records share one sync,
// which is why it is a file of its own beside FOLDER/pictures (a blob folder). Zeros follow the
// last one: a sync of a file that grows costs the file system's own journal too, so it grows by
// many records at once. A line that is cut off or damaged is left out and said in the log. The
// journal is written anew when little of it is still true. Owned by the loop.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/blobs.h"
#include "common/result.h"
#include "worker/agent/event.h"

namespace pirouette::link {

// Beyond this the journal is written anew: 10,000 short records, 2 ms to write.
inline constexpr std::size_t kJournalMaxBytes = 4 << 20;
// What is read at start; a larger one is not ours.
inline constexpr std::size_t kJournalReadMaxBytes = 256 << 20;
// Pictures put aside because a damaged record may have named them: the outbox's own bound, 2 GB.
inline constexpr std::size_t kStraysMax = 1000;

class Outbox {
 public:
  static Result<Outbox> open(std::filesystem::path folder);
  ~Outbox();
  Outbox(Outbox&& other) noexcept;

  // What is in it, by lease. The pictures of some may be gone: the coordinator had their bytes.
  std::vector<agent::Finished> results() const;

  // The picture is on disk once this returns; the record is after the next sync(). picture null:
  // the coordinator has these bytes already.
  Result<void> keep(const agent::Finished& result, const std::vector<std::uint8_t>* picture);
  // Durable some time later: a result that comes up again is acknowledged again.
  void forget(LeaseId lease);

  // Makes all records durable. On an error none of those kept since the last sync is in the outbox.
  Result<void> sync();
  bool needs_sync() const { return !unsynced_.empty(); }

  const Blobs& pictures() const { return pictures_; }

 private:
  Outbox(std::filesystem::path folder, Blobs pictures);
  Result<std::size_t> read_journal();
  void clear_strays(bool put_aside);
  Result<void> write_anew();
  Result<void> sync_name();
  bool in_use(const Digest& digest) const;
  void release_picture(const Digest& digest);

  std::filesystem::path folder_, journal_;
  Blobs pictures_;
  int fd_ = -1;
  std::size_t journal_bytes_ = 0;   // its records end here
  std::size_t laid_out_bytes_ = 0;  // and the zeros after them here
  bool name_synced_ = false;        // until then a power cut may bring the journal before it back
  bool line_torn_ = false;          // the journal ends within a line
  std::string buffer_;              // records not written yet
  std::map<LeaseId, agent::Finished> results_;
  std::vector<agent::Finished> unsynced_;  // kept, their records in buffer_
};

}  // namespace pirouette::link
